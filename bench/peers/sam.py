"""SAM's ViT-B image encoder in PyTorch, written from its description, by default with attention as the published program computes
it: the logits of a block as one tensor, to which the relative positions are added. LoRA as SAMed has it, on q and v."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class LayerNorm2d(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class LoraQkv(nn.Module):
    def __init__(self, qkv, rank):
        super().__init__()
        self.qkv, self.width = qkv, qkv.in_features
        self.a_q, self.a_v = (nn.Linear(self.width, rank, bias=False) for _ in range(2))
        self.b_q, self.b_v = (nn.Linear(rank, self.width, bias=False) for _ in range(2))

    def forward(self, x):
        qkv = self.qkv(x)
        qkv[..., :self.width] += self.b_q(self.a_q(x))
        qkv[..., -self.width:] += self.b_v(self.a_v(x))
        return qkv


def relative_logits(q, rel_h, rel_w, h, w):
    """What is added to the logits of [.., h w, c] queries: a term by the row of the key, [.., h w, h], and one by its column."""
    rows, columns = ((torch.arange(n, device=q.device)[:, None] - torch.arange(n, device=q.device)[None, :]) + n - 1 for n in (h, w))
    grid = q.reshape(-1, h, w, q.shape[-1])
    of_rows = torch.einsum("bhwc,hkc->bhwk", grid, rel_h[rows])
    of_columns = torch.einsum("bhwc,wkc->bhwk", grid, rel_w[columns])
    return of_rows.reshape(*q.shape[:-1], h), of_columns.reshape(*q.shape[:-1], w)


def published_attention(q, k, v, rel_h, rel_w, h, w):
    """[batch, heads, h w, c]"""
    of_rows, of_columns = relative_logits(q, rel_h, rel_w, h, w)
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    logits = logits.view(*logits.shape[:-1], h, w) + of_rows[..., :, None] + of_columns[..., None, :]
    return logits.flatten(-2).softmax(dim=-1) @ v


def fused_attention(q, k, v, rel_h, rel_w, h, w):
    """One kernel, to which the relative positions come as a tensor of all logits."""
    of_rows, of_columns = relative_logits(q, rel_h, rel_w, h, w)
    bias = (of_rows[..., :, None] + of_columns[..., None, :]).flatten(-2)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def in_windows(x, n, attend):
    """attend of the n x n windows of x [b, h, w, c], which are filled up with zeros."""
    b, h, w, c = x.shape
    x = F.pad(x, (0, 0, 0, -w % n, 0, -h % n))
    down, across = x.shape[1] // n, x.shape[2] // n
    windows = x.view(b, down, n, across, n, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, n, n, c)
    y = attend(windows)
    y = y.view(b, down, across, n, n, y.shape[-1]).permute(0, 1, 3, 2, 4, 5)
    return y.reshape(b, down * n, across * n, y.shape[-1])[:, :h, :w].contiguous()


class Attention(nn.Module):
    def __init__(self, width, heads, size, attend):
        super().__init__()
        self.heads, self.attend = heads, attend
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.rel_pos_h, self.rel_pos_w = (nn.Parameter(torch.zeros(2 * size - 1, width // heads)) for _ in range(2))

    def forward(self, x):
        b, h, w, width = x.shape
        q, k, v = self.qkv(x).reshape(b, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        y = self.attend(q, k, v, self.rel_pos_h, self.rel_pos_w, h, w)
        return self.proj(y.transpose(1, 2).reshape(b, h, w, width))


class Block(nn.Module):
    def __init__(self, width, heads, grid, window, attend):
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn = Attention(width, heads, window or grid, attend)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        y = self.norm1(x)
        y = self.attend_in_windows(y) if self.window else self.attn(y)
        x = x + y
        return x + self.mlp(self.norm2(x))

    def attend_in_windows(self, x):
        return in_windows(x, self.window, self.attn)


class ImageEncoder(nn.Module):
    def __init__(self, size=1024, patch=16, width=768, depth=12, heads=12, window=14, global_blocks=(2, 5, 8, 11), embedding=256,
                 attend=published_attention):
        super().__init__()
        grid = size // patch
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.positions = nn.Parameter(torch.zeros(1, grid, grid, width))
        self.blocks = nn.Sequential(
            *[Block(width, heads, grid, 0 if i in global_blocks else window, attend) for i in range(depth)])
        self.neck = nn.Sequential(nn.Conv2d(width, embedding, 1, bias=False), LayerNorm2d(embedding),
                                  nn.Conv2d(embedding, embedding, 3, padding=1, bias=False), LayerNorm2d(embedding))

    def forward(self, image):
        x = self.patches(image).permute(0, 2, 3, 1) + self.positions
        return self.neck(self.blocks(x).permute(0, 3, 1, 2))

    def add_lora(self, rank=4):
        """Freezes everything and gives each block a LoRA; returns what trains."""
        self.requires_grad_(False)
        for block in self.blocks:
            block.attn.qkv = LoraQkv(block.attn.qkv, rank)
        return [p for name, p in self.named_parameters() if p.requires_grad]
