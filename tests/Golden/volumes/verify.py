#!/usr/bin/env python3
"""Reads written files in nibabel, h5py and teem's unu. Arguments: a folder with manifest.json. Exits 1 on a difference."""
import json, os, subprocess, sys
import nibabel as nib, numpy as np

folder = sys.argv[1]
failures = []


def expect(name, what, found, wanted):
    if not np.array_equal(found, wanted, equal_nan=not isinstance(wanted, str)):
        failures.append(f"{name}: {what} {np.ravel(found)[:16]}, expected {np.ravel(wanted)[:16]}")


def teem(path, shape, dtype):
    """unu reads the file and writes its numbers raw."""
    raw = path + ".check"
    subprocess.run(["teem-unu", "save", "-f", "nrrd", "-e", "raw", "-en", "little", "-i", path, "-o", raw + ".nhdr"], check=True)
    return np.fromfile(raw + ".raw", dtype).reshape(shape, order="F")


for entry in json.load(open(os.path.join(folder, "manifest.json"))):
    name, shape, dtype = entry["name"], entry["shape"], entry["type"]
    path = os.path.join(folder, name)
    wanted = np.fromfile(path + ".values", dtype).reshape(shape)
    if name.endswith(".h5"):
        import h5py
        with h5py.File(path) as file:
            found = file[entry["set"]][:]
        expect(name, "type", str(found.dtype), dtype)
    elif name.endswith((".nrrd", ".nhdr")):
        found = teem(path, shape, dtype)
    else:
        image = nib.load(path)
        found = np.asarray(image.dataobj)
        expect(name, "type", str(found.dtype), dtype)
        # A header of NIfTI-1 holds floats.
        expect(name, "affine", image.affine[:3].astype("f4"), np.reshape(entry["affine"], (3, 4)).astype("f4"))
        if "like" in entry:
            scan = nib.load(entry["like"])
            expect(name, "shape of its scan", image.shape, scan.shape[:3])
            expect(name, "affine of its scan", image.affine, scan.affine)
            for form in "qform", "sform":
                expect(name, f"{form} code", image.header[form + "_code"], scan.header[form + "_code"])
            expect(name, "sform", image.get_sform(), scan.get_sform())
            expect(name, "qform", image.get_qform(), scan.get_qform())
            expect(name, "zooms", image.header.get_zooms()[:3], scan.header.get_zooms()[:3])
    expect(name, "shape", found.shape, shape)
    expect(name, "voxels", found, wanted)

print("\n".join(failures))
sys.exit(1 if failures else 0)
