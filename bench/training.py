"""The IMU tower's fine-tuning step in PyTorch, the same network as models/towers/imu.ts: one step for each line on standard input."""
import json, math, sys, time
import torch
from torch import nn
from torch.nn import functional as F

threads, batch = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)
SAMPLES, WIDTH, FEED_FORWARD, HEADS, LAYERS, CLASSES = 152, 72, 144, 4, 4, 27
STEM = [(64, 7), (96, 5), (WIDTH, 5)]
TOKENS = SAMPLES // 2 ** len(STEM)


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 8
        for outputs, kernel in STEM:
            layers += [nn.Conv1d(channels, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(), nn.MaxPool1d(2)]
            channels = outputs
        self.stem = nn.Sequential(*layers)
        self.position = nn.Parameter(torch.randn(TOKENS, WIDTH) * 0.02)
        self.attention_norm, self.norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.ff_in, self.ff_out = nn.Linear(WIDTH, FEED_FORWARD), nn.Linear(FEED_FORWARD, WIDTH)
        self.head = nn.Linear(2 * WIDTH, CLASSES)

    def forward(self, x, mask):
        lengths = [(v.square().sum(2, keepdim=True) + 1e-4).sqrt() for v in x.split(3, 2)]
        x = torch.cat([x, *lengths], 2)
        y = self.stem(x.transpose(1, 2)).transpose(1, 2) + self.position
        for _ in range(LAYERS):
            q, k, v = self.qkv(self.attention_norm(y)).view(batch, TOKENS, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
            scores = (q / math.sqrt(WIDTH // HEADS)) @ k.transpose(-1, -2)
            y = y + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, TOKENS, WIDTH))
            y = y + self.ff_out(F.gelu(self.ff_in(self.norm(y))))
        return self.head(torch.cat([y.mean(1), y.amax(1)], 1) * mask)


tower = Tower()
optimiser = torch.optim.AdamW(tower.parameters(), lr=1e-3, weight_decay=0.02)
window, mask = torch.randn(batch, SAMPLES, 6), torch.randn(batch, 2 * WIDTH)
targets = torch.full((batch, CLASSES), 1 / CLASSES)


def step():
    optimiser.zero_grad()
    loss = -(tower(window, mask).log_softmax(-1) * targets).sum() / batch
    loss.backward()
    nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
    optimiser.step()
    return loss.item()


print(json.dumps({"parameters": sum(p.numel() for p in tower.parameters()), "version": torch.__version__}), flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    step()
    print(json.dumps({"milliseconds": 1000 * (time.perf_counter() - begin)}), flush=True)
