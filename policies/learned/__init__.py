"""Learned schedulers: SAC and TD3 with shaped rewards, and the actors that they leave behind.

Learning needs torch, which is loaded when a learner begins and nowhere else. Acting needs numpy
alone: :mod:`policies.learned.actor` reads a checkpoint and computes the same actions.
"""
