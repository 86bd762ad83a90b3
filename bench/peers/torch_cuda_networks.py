"""The layers of V-Net and SAM, and the networks, in PyTorch, on a GPU; output as timing.py says. Names, as in bench/Cfr.GpuBench:

    conv3d CIN-COUT NxDxHxW PHASE PRECISION             3x3x3, padding 1
    conv3d down CIN-COUT NxDxHxW PHASE PRECISION        2x2x2, stride 2, from that size
    conv3d up CIN-COUT NxDxHxW PHASE PRECISION          transposed 2x2x2, stride 2, to that size
    attention BxHEADSxTOKENSxWIDTH PHASE bf16           self-attention of a square grid with SAM's relative positions
    vnet training step 4x112x112x80 bf16                2 classes, cross-entropy + Dice, SGD
    sam vit-b encoder forward BATCHx1024x1024 bf16
    sam vit-b lora step 1x1024x1024 bf16                rank 4 on q and v, all else frozen, AdamW

PHASE is forward, input gradient or weight gradient of a convolution; forward or backward (gradients of q, k and v) of attention.
PRECISION is tf32 or bf16. What follows a comma tells ways of doing the same work apart: memory formats, forms of attention.
"""
import torch
import torch._functorch.config
import torch.nn.functional as F

import sam
import timing
import vnet

BATCH, IMAGE, GRID, VOLUME = 4, 1024, 64, (112, 112, 80)
PRECISIONS = {"tf32": torch.float32, "bf16": torch.bfloat16}
FORMATS = {"": torch.contiguous_format, ", channels last": torch.channels_last_3d}
CONVOLUTIONS = [(1, 16, (112, 112, 80)), (16, 16, (112, 112, 80)), (32, 32, (56, 56, 40)), (64, 64, (28, 28, 20)),
                (128, 128, (14, 14, 10)), (256, 256, (7, 7, 5))]
ATTENTIONS = [(1, 12, 64, 64), (25, 12, 14, 64)]  # batch, heads, rows and columns of the grid, width of a head
DEVICE = "cuda"


def random(*shape, dtype=torch.float32):
    return (torch.rand(*shape, device=DEVICE) * 2 - 1).to(dtype)


def flex_attention(q, k, v, rel_h, rel_w, h, w):
    """One kernel that looks its relative positions up; a kernel only where it is compiled."""
    from torch.nn.attention import flex_attention as flex
    of_rows, of_columns = sam.relative_logits(q, rel_h, rel_w, h, w)

    def add_positions(score, batch, head, query, key):
        return score + of_rows[batch, head, query, key // w] + of_columns[batch, head, query, key % w]

    return flex.flex_attention(q, k, v, score_mod=add_positions)


FORMS = {", published": sam.published_attention, ", sdpa": sam.fused_attention, ", flex": flex_attention}


def attentions():
    for batch, heads, side, width in ATTENTIONS:
        length = side * side

        def operands():
            """As in the network: q, k and v lie together, and the tables are frozen."""
            qkv = random(batch, length, 3, heads, width, dtype=torch.bfloat16)
            tables = [random(2 * side - 1, width, dtype=torch.bfloat16) for _ in range(2)]
            return [x.requires_grad_() for x in qkv.permute(2, 0, 3, 1, 4).unbind(0)], tables

        def forward(attend):
            (q, k, v), (rel_h, rel_w) = operands()

            def run():
                with torch.no_grad():
                    attend(q, k, v, rel_h, rel_w, side, side)

            return run

        def backward(attend):
            inputs, (rel_h, rel_w) = operands()
            y = attend(*inputs, rel_h, rel_w, side, side)
            dy = torch.rand_like(y)
            return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)

        for phase, make in (("forward", forward), ("backward", backward)):
            for form, attend in FORMS.items():
                timing.report(
                    f"attention {batch}x{heads}x{length}x{width} {phase} bf16{form}",
                    None if attend is flex_attention else lambda: make(attend),
                    lambda: make(torch.compile(attend, dynamic=False)))


def attention_in_windows():
    """From the qkv of an image's tokens to their results: windows are cut out, filled up and put together."""
    heads, width, window = 12, 64, 14

    def of_image(attend, qkv, rel_h, rel_w):
        def of_windows(x):
            q, k, v = x.reshape(-1, window * window, 3, heads, width).permute(2, 0, 3, 1, 4).unbind(0)
            y = attend(q, k, v, rel_h, rel_w, window, window)
            return y.transpose(1, 2).reshape(-1, window, window, heads * width)

        return sam.in_windows(qkv, window, of_windows)

    def operands():
        tables = [random(2 * window - 1, width, dtype=torch.bfloat16) for _ in range(2)]
        return random(1, GRID, GRID, 3 * heads * width, dtype=torch.bfloat16).requires_grad_(), tables

    def forward(run_image):
        qkv, tables = operands()

        def run():
            with torch.no_grad():
                run_image(qkv, *tables)

        return run

    def backward(run_image):
        qkv, tables = operands()
        y = run_image(qkv, *tables)
        dy = torch.rand_like(y)
        return lambda: torch.autograd.grad(y, qkv, dy, retain_graph=True)

    for phase, make in (("forward", forward), ("backward", backward)):
        for form, attend in FORMS.items():
            def run_image(qkv, rel_h, rel_w):
                return of_image(attend, qkv, rel_h, rel_w)

            timing.report(
                f"attention in windows 1x{heads}x{GRID}x{GRID}x{width} {phase} bf16{form}",
                None if attend is flex_attention else lambda: make(run_image),
                lambda: make(torch.compile(run_image, dynamic=False)))


def convolutions():
    def layer(kind, inputs, outputs, size, kernel, stride, padding, transposed):
        """Size is that of the larger side, the input's or a transposed convolution's output."""
        small = [n // stride for n in size]
        x_size, y_size = (small, size) if transposed else (size, small)
        label = f"conv3d {kind}{inputs}-{outputs} {BATCH}x{'x'.join(map(str, size))}"
        for precision, dtype in PRECISIONS.items():
            for format_name, memory_format in FORMATS.items():
                def tensor(channels, outer, extent):
                    return random(outer, channels, *extent, dtype=dtype).to(memory_format=memory_format)

                def operands():
                    filters = (outputs, inputs) if transposed else (inputs, outputs)
                    return (tensor(outputs, BATCH, y_size), tensor(inputs, BATCH, x_size),
                            tensor(filters[0], filters[1], (kernel,) * 3))

                def forward():
                    (_, x, w), bias = operands(), random(outputs, dtype=dtype)
                    run = F.conv_transpose3d if transposed else F.conv3d
                    return lambda: run(x, w, bias, stride=stride, padding=padding)

                def gradient(*wanted):
                    dy, x, w = operands()
                    return lambda: torch.ops.aten.convolution_backward(
                        dy, x, w, None, [stride] * 3, [padding] * 3, [1] * 3, transposed, [0] * 3, 1, [*wanted, False])

                for phase, make in (("forward", forward), ("input gradient", lambda: gradient(True, False)),
                                    ("weight gradient", lambda: gradient(False, True))):
                    if inputs > 1 or phase != "input gradient":  # the network's input needs none
                        timing.report(f"{label} {phase} {precision}{format_name}", make)

    for inputs, outputs, size in CONVOLUTIONS:
        layer("", inputs, outputs, size, 3, 1, 1, False)
    layer("down ", 16, 32, VOLUME, 2, 2, 0, False)
    layer("up ", 32, 16, VOLUME, 2, 2, 0, True)


def vnet_step():
    def step(memory_format, compiled):
        network = vnet.VNet().to(DEVICE).to(memory_format=memory_format).train()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
        x = random(BATCH, 1, *VOLUME).to(memory_format=memory_format)
        labels = torch.randint(0, 2, (BATCH, *VOLUME), device=DEVICE)

        def objective(x, labels):
            return vnet.segmentation_loss(network(x), labels)

        loss = torch.compile(objective, dynamic=False) if compiled else objective

        def run():
            with torch.autocast(DEVICE, torch.bfloat16):
                value = loss(x, labels)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

        return run

    for suffix, memory_format in FORMATS.items():
        timing.report(f"vnet training step {BATCH}x{'x'.join(map(str, VOLUME))} bf16{suffix}",
                      lambda: step(memory_format, False), lambda: step(memory_format, True))


def sam_encoder(attend):
    # FlexAttention is compiled even where the encoder is not: it is no kernel otherwise.
    if attend is flex_attention:
        attend = torch.compile(attend, dynamic=False)
    return sam.ImageEncoder(size=IMAGE, attend=attend).to(DEVICE, torch.bfloat16)


def sam_forward():
    def forward(attend, batch, compiled):
        encoder = sam_encoder(attend).eval().requires_grad_(False)
        image = random(batch, 3, IMAGE, IMAGE, dtype=torch.bfloat16)
        run = torch.compile(encoder, dynamic=False) if compiled else encoder
        return lambda: run(image)

    for batch in (1, 4):
        report_sam(f"sam vit-b encoder forward {batch}x{IMAGE}x{IMAGE} bf16",
                   lambda attend, compiled: forward(attend, batch, compiled))


def sam_lora_step():
    def step(attend, compiled):
        encoder = sam_encoder(attend)
        trained = encoder.add_lora(rank=4)
        encoder.to(DEVICE, torch.bfloat16)
        optimizer = torch.optim.AdamW(trained, lr=1e-3)
        image = random(1, 3, IMAGE, IMAGE, dtype=torch.bfloat16)
        upstream = random(1, 256, GRID, GRID, dtype=torch.bfloat16)
        network = torch.compile(encoder, dynamic=False) if compiled else encoder

        def run():
            optimizer.zero_grad()
            network(image).backward(upstream)
            optimizer.step()

        return run

    report_sam(f"sam vit-b lora step 1x{IMAGE}x{IMAGE} bf16", step)


def report_sam(name, make):
    for form, attend in FORMS.items():
        if not (attend is flex_attention and timing.ARGUMENTS.no_compile):
            timing.report(name + form, lambda: make(attend, False), lambda: make(attend, True))


def main():
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    # A backward pass is timed again and again over what its forward pass kept.
    torch._functorch.config.donated_buffer = False
    timing.print_head()
    convolutions()
    attentions()
    attention_in_windows()
    vnet_step()
    sam_forward()
    sam_lora_step()


main()
