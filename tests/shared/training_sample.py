"""The folder of a training, for the tests of its report."""

import numpy as np

from cosim.store.atomic import write_json
from cosim.store.tables import write_log


def a_training(folder, seed=1, episodes=24, **more):
    """The folder of a training whose return rises, written as cosim train writes it."""
    chance = np.random.default_rng(seed)
    rows = []
    for k in range(episodes):
        usd = 10.0 + 2.0 * k + chance.normal()
        row = {"episode": k + 1, "day": "2019-04-22/1", "return": usd / 10, "utility_usd": usd}
        row |= {"late_share": 0.5 / (k + 1), "wall_s": 36.0}
        if k >= 2:  # warm-up: nothing was learned yet
            row["bonus_mean"] = -0.01 * k
        if k % 6 == 5:
            row["held_out_usd"] = 5.0 + k if k < 20 else 4.0
        rows.append(row)
    terms = {"format": 1, "policy": "jemas", "options": {"eta": 0.4}, "seed": seed}
    terms |= {"scenario": "tiny", "world_hash": "ab", "dates": ["2019-04-22"]}
    terms |= {"held_out": ["2019-04-23"], "command": f"cosim train tiny.yaml --seed {seed}"}
    folder.mkdir(parents=True)
    write_json(folder / "train.json", {**terms, **more})
    write_log(folder / "training.parquet", rows)
    return folder
