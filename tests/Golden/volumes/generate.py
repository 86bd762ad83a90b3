#!/usr/bin/env python3
"""Writes the small volumes of this folder and expected.json: what nibabel (5.0), h5py (3.7) and teem's unu (1.12) say.

Needs Debian's python3-nibabel, python3-scipy, python3-h5py and teem-apps. Run in this folder: /usr/bin/python3 generate.py
"""
import gzip, itertools, json, os, subprocess
import h5py, nibabel as nib, numpy as np
from nibabel.affines import from_matvec, voxel_sizes
from nibabel.processing import resample_from_to
from scipy.spatial.transform import Rotation

random = np.random.default_rng(20240601)
expected = {"nifti": {}, "orders": {}, "resample": {}, "nrrd": {}, "hdf5": {}}


def affine(angles, spacing, origin, flips=(1, 1, 1)):
    turn = Rotation.from_euler("zyx", angles, degrees=True).as_matrix()
    return from_matvec(turn @ np.diag(np.multiply(spacing, flips)), origin)


def numbers(values):
    """As JSON holds them: NaN and infinities by name."""
    return [float(v) if np.isfinite(v) else str(float(v)) for v in np.ravel(values)]


def describe(path):
    image = nib.load(path)
    return {
        "shape": list(image.shape),
        "affine": numbers(image.affine[:3]),
        "codes": "".join(nib.aff2axcodes(image.affine)),
        "zooms": numbers(voxel_sizes(image.affine)),
        "qform_code": int(image.header["qform_code"]),
        "sform_code": int(image.header["sform_code"]),
        "big_endian": image.header.endianness == ">",
        "values": numbers(image.get_fdata(dtype=np.float64)),
    }


def nifti(name, data, matrix=None, kind=nib.Nifti1Image, endian="<", slope=None, edit=None):
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(data.dtype)
    image = kind(data, matrix, header)
    if slope:
        image.header.set_slope_inter(*slope)
    if edit:
        edit(image.header)
    if kind in (nib.Nifti1Pair, nib.Nifti2Pair):
        image.to_filename(name)
    else:
        # The array proxy scales integers anew when saved: write the raw ones beneath the header as it stands.
        header = image.header.copy()
        header.set_data_offset(544 if kind is nib.Nifti2Image else 352)
        raw = header.binaryblock + b"\0\0\0\0" + np.asarray(data, data.dtype.newbyteorder(endian)).tobytes(order="F")
        with open(name, "wb") as file:
            if name.endswith(".gz"):
                with gzip.GzipFile("", "wb", 9, file, 0) as out:
                    out.write(raw)
            else:
                file.write(raw)
    expected["nifti"][name] = describe(name)


# Element types, both byte orders, with and without scaling.
oblique = affine((20, -15, 35), (0.9, 1.25, 3.1), (-31.5, 12.25, 7.75))
for type_name in "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split():
    dtype = np.dtype(type_name)
    if dtype.kind == "f":
        data = random.normal(0, 100, (3, 4, 2)).astype(dtype)
        data[0, 0, 0], data[1, 0, 0] = np.nan, np.inf
    else:
        low, high = max(np.iinfo(dtype).min, -2**40), min(np.iinfo(dtype).max, 2**40)
        data = random.integers(low, high, (3, 4, 2), dtype=dtype, endpoint=True)
        data[0, 0, 0], data[2, 3, 1] = low, high
    for endian, word in ("<", "little"), (">", "big"):
        slope = (0.25, -3.5) if dtype.kind != "f" and endian == ">" else None
        nifti(f"{type_name}_{word}.nii", data, oblique, endian=endian, slope=slope)
        nifti(f"{type_name}_{word}_2.nii.gz", data, oblique, nib.Nifti2Image, endian, slope)

# Where the voxels lie.
small = random.integers(0, 1000, (4, 3, 5), dtype=np.int16)
sheared = oblique.copy()
sheared[0, 1] += 0.4


def forms(qform, sform):
    def edit(header):
        header.set_qform(qform[0] if qform else None, code=qform[1] if qform else 0)
        header.set_sform(sform[0] if sform else None, code=sform[1] if sform else 0)
    return edit


flipped = affine((5, 10, -25), (0.7, 0.7, 2.5), (40, -50, 60), (-1, 1, 1))
other = affine((0, 0, 90), (2, 1, 1), (1, 2, 3))
nifti("qform_only.nii.gz", small, edit=forms((oblique, 1), None))
nifti("qform_left_handed.nii.gz", small, edit=forms((flipped, 1), None))
nifti("sform_only.nii.gz", small, edit=forms(None, (flipped, 4)))
nifti("sform_sheared.nii.gz", small, edit=forms(None, (sheared, 2)))
nifti("forms_agree.nii.gz", small, edit=forms((flipped, 1), (flipped, 1)))
nifti("forms_differ.nii.gz", small, edit=forms((oblique, 1), (other, 2)))
nifti("half_turn.nii.gz", small, edit=forms((affine((0, 0, 180), (1, 2, 3), (0, 0, 0)), 1), None))


def plain(header):
    header["qform_code"] = header["sform_code"] = 0
    header["pixdim"][1:4] = 1.5, 2, 3


def other_pixdim(header):
    forms(None, (flipped, 1))(header)
    header["pixdim"][1:4] = 9, 9, 9


nifti("no_forms.nii.gz", small, edit=plain)
nifti("pixdim_differs.nii.gz", small, edit=other_pixdim)
nifti("pair1.hdr", small, oblique, nib.Nifti1Pair)
nifti("pair2.hdr", small, oblique, nib.Nifti2Pair)
nifti("one_volume.nii.gz", small[..., None], oblique)
nifti("two_volumes.nii.gz", np.stack([small, small + 7], -1), oblique)

# All orders and directions of the axes of one oblique scan, and what each is in the canonical one.
base = nib.Nifti1Image(random.integers(0, 255, (3, 4, 5), dtype=np.uint8), affine((12, -9, 21), (0.8, 1.1, 2.3), (5, -6, 7)))
for order in itertools.permutations(range(3)):
    for flips in itertools.product((1, -1), repeat=3):
        image = base.as_reoriented(np.array(list(zip(order, flips))))
        codes = "".join(nib.aff2axcodes(image.affine))
        nifti(f"order_{codes}.nii.gz", np.asarray(image.dataobj), image.affine)
        loaded = nib.load(f"order_{codes}.nii.gz")
        canonical = nib.as_closest_canonical(loaded)
        expected["orders"][codes] = {
            "shape": list(canonical.shape),
            "affine": numbers(canonical.affine[:3]),
            "values": numbers(canonical.get_fdata()),
        }

# Resampling by the rule of the documentation, done by nibabel (scipy).
scan = nib.Nifti1Image(random.normal(0, 1, (11, 9, 7)).astype(np.float32), flipped)
labels = nib.Nifti1Image(random.integers(0, 5, (11, 9, 7), dtype=np.uint8), flipped)
for name, image in ("scan.nii.gz", scan), ("labels.nii.gz", labels):
    nifti(name, np.asarray(image.dataobj), image.affine)
scan, labels = nib.load("scan.nii.gz"), nib.load("labels.nii.gz")
for spacing in (1.0, 0.9, 1.9), (0.37, 0.7, 5.3), (2.9, 0.31, 0.83), (40, 40, 40):
    step = np.array(spacing) / voxel_sizes(scan.affine)
    step[np.abs(step - 1) < 1e-5] = 1
    size = np.maximum(1, np.floor(np.array(scan.shape) / step + 0.5)).astype(int)
    first = (np.array(scan.shape) - 1) / 2 - (size - 1) / 2 * step
    grid = (tuple(int(n) for n in size), scan.affine @ from_matvec(np.diag(step), first))
    expected["resample"]["x".join(map(str, spacing))] = {
        "shape": [int(n) for n in size],
        "affine": numbers(grid[1][:3]),
        "linear": numbers(resample_from_to(scan, grid, order=1, mode="nearest").get_fdata()),
        "nearest": numbers(resample_from_to(labels, grid, order=0, mode="nearest").get_fdata()),
    }


# NRRD, written by teem's unu from raw data and a header of ours.
def nrrd(name, data, fields, save):
    data.tofile("tmp.raw", sep="")
    with open("tmp.nhdr", "w") as file:
        file.write("NRRD0005\n" + "".join(f"{key}: {value}\n" for key, value in fields.items())
                   + "encoding: raw\nendian: little\ndata file: tmp.raw\n")
    subprocess.run(["teem-unu", "save", "-i", "tmp.nhdr", "-o", name, *save], check=True)
    os.remove("tmp.raw"), os.remove("tmp.nhdr")


names = {"u1": "uchar", "i1": "signed char", "u2": "ushort", "i2": "short", "u4": "uint", "i4": "int", "u8": "unsigned long long",
         "i8": "long long int", "f4": "float", "f8": "double"}
vectors = lambda m: " ".join("(" + ",".join(repr(float(v)) for v in m[:3, c]) + ")" for c in range(3))
spaces = {"left-posterior-superior": (-1, -1, 1), "right-anterior-superior": (1, 1, 1), "left-anterior-superior": (-1, 1, 1)}
for i, (type_name, type_text) in enumerate(names.items()):
    dtype = np.dtype(type_name)
    data = (random.normal(0, 50, (3, 4, 2)) if dtype.kind == "f" else random.integers(0, 100, (3, 4, 2))).astype(dtype)
    space, signs = list(spaces.items())[i % 3]
    world = np.diag((*signs, 1)) @ flipped
    fields = {"type": type_text, "dimension": 3, "space": space, "sizes": "3 4 2", "space directions": vectors(world),
              "kinds": "domain domain domain", "space origin": "(" + ",".join(repr(float(v)) for v in world[:3, 3]) + ")"}
    for form, encoding, endian in ("nrrd", "raw", "little"), ("nrrd", "gzip", "big"), ("nhdr", "gzip", "little"), ("nhdr", "raw", "big"):
        if form == "nhdr" and type_name not in ("i2", "f4", "u1"):
            continue
        name = f"{type_name}_{encoding}.{form}"
        nrrd(name, data.ravel(order="F"), fields, ["-f", "nrrd", "-e", encoding, "-en", endian])
        expected["nrrd"][name] = {"shape": [3, 4, 2], "affine": numbers(flipped[:3]), "values": numbers(data)}
fields = {"type": "short", "dimension": 4, "space": "left-posterior-superior", "sizes": "1 4 3 5",
          "space directions": "none " + vectors(np.diag((-1, -1, 1, 1)) @ oblique), "space origin":
          "(" + ",".join(repr(float(v)) for v in (np.diag((-1, -1, 1, 1)) @ oblique)[:3, 3]) + ")"}
nrrd("one_component.nrrd", small.ravel(order="F"), fields, ["-f", "nrrd", "-e", "gzip"])
expected["nrrd"]["one_component.nrrd"] = {"shape": [4, 3, 5], "affine": numbers(oblique[:3]), "values": numbers(small)}
fields = {"type": "short", "dimension": 3, "sizes": "4 3 5", "spacings": "0.5 1.5 2.5"}
nrrd("spacings.nrrd", small.ravel(order="F"), fields, ["-f", "nrrd", "-e", "raw"])
expected["nrrd"]["spacings.nrrd"] = {"shape": [4, 3, 5], "affine": numbers(np.diag((0.5, 1.5, 2.5, 1))[:3]), "values": numbers(small)}

# HDF5 as the published data sets have it, and other ways to store the same.
image, label = random.normal(0, 1, (13, 11, 7)), random.integers(0, 3, (13, 11, 7), dtype=np.uint8)
for name, dtype, options in (
    ("chunked.h5", "<f4", {"compression": "gzip", "chunks": (5, 4, 3)}),
    ("contiguous.h5", "<f8", {}),
    ("shuffled.h5", "<i2", {"compression": "gzip", "shuffle": True, "chunks": (13, 2, 7)}),
    ("large_chunks.h5", "<f4", {"compression": "gzip", "chunks": (16, 16, 16), "maxshape": (None, None, None)}),
    ("big_endian.h5", ">f4", {}),  # to be refused
):
    stored = (image * 100).astype(dtype)
    with h5py.File(name, "w") as file:
        file.create_dataset("image", data=stored, track_times=False, **options)
        file.create_dataset("label", data=label, track_times=False, **options)
    if dtype[0] == "<":
        expected["hdf5"][name] = {"shape": [13, 11, 7], "values": numbers(stored), "labels": numbers(label)}

with open("expected.json", "w") as file:
    json.dump(expected, file, separators=(",", ":"))
