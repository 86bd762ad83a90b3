"""The V-Net of semi-supervised segmentation in PyTorch, written from its table of layers: 3x3x3 convolutions, batch norm, ReLU;
2x2x2 convolutions of stride 2 down and up; skips added; channel dropout on the deepest and on the last features."""
import torch.nn as nn
import torch.nn.functional as F


def conv(stages, channels_in, channels):
    layers = []
    for stage in range(stages):
        layers += [nn.Conv3d(channels if stage else channels_in, channels, 3, padding=1), nn.BatchNorm3d(channels),
                   nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def down(channels):
    return nn.Sequential(nn.Conv3d(channels, 2 * channels, 2, stride=2), nn.BatchNorm3d(2 * channels), nn.ReLU(inplace=True))


def up(channels):
    return nn.Sequential(nn.ConvTranspose3d(channels, channels // 2, 2, stride=2), nn.BatchNorm3d(channels // 2),
                         nn.ReLU(inplace=True))


class VNet(nn.Module):
    def __init__(self, filters=16, classes=2):
        super().__init__()
        f = filters
        self.encoder = nn.ModuleList([conv(1, 1, f), conv(2, 2 * f, 2 * f), conv(3, 4 * f, 4 * f), conv(3, 8 * f, 8 * f)])
        self.downs = nn.ModuleList([down(f), down(2 * f), down(4 * f), down(8 * f)])
        self.bottom = conv(3, 16 * f, 16 * f)
        self.ups = nn.ModuleList([up(16 * f), up(8 * f), up(4 * f), up(2 * f)])
        self.decoder = nn.ModuleList([conv(3, 8 * f, 8 * f), conv(3, 4 * f, 4 * f), conv(2, 2 * f, 2 * f), conv(1, f, f)])
        self.drop = nn.Dropout3d(0.5)
        self.head = nn.Conv3d(f, classes, 1)

    def forward(self, x):
        skips = []
        for block, half in zip(self.encoder, self.downs):
            x = block(x)
            skips.append(x)
            x = half(x)
        x = self.drop(self.bottom(x))
        for double, block in zip(self.ups, self.decoder):
            x = block(double(x) + skips.pop())
        return self.head(self.drop(x))


def segmentation_loss(logits, labels):
    """Half cross-entropy, half Dice over all classes, as in SSL4MIS."""
    classes, p = logits.shape[1], logits.softmax(1)
    dice = 0
    for k in range(classes):
        o = (labels == k).float()
        dice = dice + 1 - (2 * (p[:, k] * o).sum() + 1e-5) / ((p[:, k] * p[:, k]).sum() + (o * o).sum() + 1e-5)
    return 0.5 * F.cross_entropy(logits, labels) + 0.5 * dice / classes
