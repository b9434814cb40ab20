"""Soft actor-critic as one would first write it in torch: what an update of ours is timed against.

A loop like CleanRL's: modules, an optimiser for each of actor, critics and temperature, backward
passes, targets that follow parameter by parameter, an array of transitions. It draws, learns and
follows; nothing is logged, shaped or normalised, so that it does less than ours for its time.
"""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def layers(inputs, hidden, outputs):
    return nn.Sequential(
        *(nn.Linear(inputs, hidden), nn.ReLU()),
        *(nn.Linear(hidden, hidden), nn.ReLU()),
        nn.Linear(hidden, outputs),
    )


class TextbookSac:
    def __init__(self, columns, coordinates, *, hidden, batch, rate=3e-4, gamma=0.99, tau=0.005):
        self.batch, self.gamma, self.tau = batch, gamma, tau
        self.actor = layers(columns, hidden, 2 * coordinates)
        self.critics = [layers(columns + coordinates, hidden, 1) for _ in range(2)]
        self.slow = [copy.deepcopy(critic) for critic in self.critics]
        self.log_alpha = torch.zeros(1, requires_grad=True)
        self.aim = -float(coordinates)
        both = [weight for critic in self.critics for weight in critic.parameters()]
        self.critic_step = torch.optim.Adam(both, lr=rate)
        self.actor_step = torch.optim.Adam(self.actor.parameters(), lr=rate)
        self.alpha_step = torch.optim.Adam([self.log_alpha], lr=rate)
        self.dice = np.random.default_rng(0)
        self.ring = ()

    def remember(self, day):
        """Draw from this day."""
        self.ring = (day.views[:-1], day.views[1:], day.actions, day.rewards[:, None])

    def sample(self, views):
        mean, log_std = self.actor(views).chunk(2, dim=1)
        log_std = -5 + 0.5 * 7 * (torch.tanh(log_std) + 1)
        bell = torch.distributions.Normal(mean, log_std.exp())
        drawn = bell.rsample()
        action = torch.tanh(drawn)
        density = bell.log_prob(drawn) - torch.log(1 - action**2 + 1e-6)
        return action, density.sum(1, keepdim=True)

    def update(self):
        at = self.dice.integers(len(self.ring[0]), size=self.batch)
        now, later, action, reward = (torch.from_numpy(part[at]) for part in self.ring)
        alpha = self.log_alpha.exp().item()
        with torch.no_grad():
            then, log_then = self.sample(later)
            worths = [critic(torch.cat([later, then], 1)) for critic in self.slow]
            wanted = reward + self.gamma * (torch.min(*worths) - alpha * log_then)
        told = [critic(torch.cat([now, action], 1)) for critic in self.critics]
        loss = sum(functional.mse_loss(each, wanted) for each in told)
        self.critic_step.zero_grad()
        loss.backward()
        self.critic_step.step()

        mine, log_now = self.sample(now)
        worths = [critic(torch.cat([now, mine], 1)) for critic in self.critics]
        actor_loss = (alpha * log_now - torch.min(*worths)).mean()
        self.actor_step.zero_grad()
        actor_loss.backward()
        self.actor_step.step()

        with torch.no_grad():
            _, log_now = self.sample(now)
        alpha_loss = (-self.log_alpha.exp() * (log_now + self.aim)).mean()
        self.alpha_step.zero_grad()
        alpha_loss.backward()
        self.alpha_step.step()

        for critic, slow in zip(self.critics, self.slow, strict=True):
            for fast_one, slow_one in zip(critic.parameters(), slow.parameters(), strict=True):
                slow_one.data.copy_(self.tau * fast_one.data + (1 - self.tau) * slow_one.data)
