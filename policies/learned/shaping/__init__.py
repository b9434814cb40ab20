"""Shaping: what is added to a reward so that a learner finds its way sooner (MODEL: JEMAS, DRESS).

A *kind* says something about a view and an action: a guess of what they will bring, or noise. A
*wrapper* (:mod:`policies.learned.shaping.wrap`) makes it a change of the reward. Kinds are loaded
by name, one file each; a further kind is a file and a line in ``policies.learned.recipe.KINDS``.
"""
