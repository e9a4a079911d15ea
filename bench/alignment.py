"""An alignment step in PyTorch, the same network and arithmetic as learning/align-step.ts: one step for each line on standard input."""
import json, sys, time
import torch
from torch import nn
from torch.nn import functional as F

threads, batch, width, hidden, *inputs = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(0)
TEMPERATURE, RATE, DECAY = 0.07, 1e-4, 1e-4


def module(first):
    return nn.Sequential(nn.Linear(first, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, width))


modules = nn.ModuleList([module(first) for first in inputs])
prototype = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
concept, shared = list(modules.parameters()), list(prototype.parameters())
parameters = concept + shared
matrices, vectors = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim < 2]
groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}]
optimisers = {}
for name, option in (("fused", {"fused": True}), ("foreach", {"foreach": True}), ("loop", {"foreach": False})):
    try:
        optimisers[name] = torch.optim.AdamW(groups, lr=RATE, **option)
    except (RuntimeError, TypeError):
        pass  # this version has no such kernel for the processor
xs = [torch.randn(batch, first) for first in inputs]
truth = torch.arange(batch)


def norm(gradients):
    return torch.stack([g.square().sum() for g in gradients]).sum().sqrt()


def step(optimiser):
    concepts = torch.cat([m(x) for m, x in zip(modules, xs)])
    a, b = F.normalize(prototype(concepts), dim=1).split(batch)
    logits = a @ b.t() / TEMPERATURE
    losses = F.cross_entropy(logits, truth), F.cross_entropy(logits.t(), truth)
    first = torch.autograd.grad(losses[0], parameters, retain_graph=True)
    second = torch.autograd.grad(losses[1], parameters)
    norms = norm(first[: len(concept)]), norm(second[: len(concept)])
    share = norms[1] / (norms[0] + norms[1])
    for p, one, other in zip(parameters, first, second):
        p.grad = one.mul_(share / 2).add_(other.mul_((1 - share) / 2))
    optimiser.step()
    return 0.5 * (share * losses[0] + (1 - share) * losses[1]).item()


def milliseconds(optimiser):
    begin = time.perf_counter()
    step(optimiser)
    return 1000 * (time.perf_counter() - begin)


# The peer takes whichever optimiser kernel is the fastest here.
timed = {name: sorted(milliseconds(o) for _ in range(6))[1] for name, o in optimisers.items()}
best = min(timed, key=timed.get)
print(json.dumps({"parameters": sum(p.numel() for p in parameters), "version": torch.__version__, "optimiser": best}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"milliseconds": milliseconds(optimisers[best])}), flush=True)
