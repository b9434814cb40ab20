"""Laws of jobs that nobody runs and of GPUs that sleep, on random whole worlds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from random_worlds import Restless, engines_agree, holds, policies, seeds, stages

from cosim.decision import DROP
from cosim.physics.network import transfer_ns
from cosim.physics.service import revenue_share
from cosim.quantities import hours_from_ns
from cosim.run import run
from cosim.world.kernel_state import GIVEN_UP, TURNED_AWAY


@settings(engines_agree, max_examples=20)
@given(stages(), policies, holds, seeds)
def test_every_job_has_one_fate_and_every_hour_of_a_gpu_one_use(on, kinds, hold, seed):
    result, plan = run(on, seed=seed, make=lambda: Restless(kinds, hold)), on.plan(seed)
    jobs, ledger, sites = result.jobs, result.ledger, plan.sites
    refused, away, given_up = jobs.service == DROP, jobs.gpu == TURNED_AWAY, jobs.gpu == GIVEN_UP
    assert np.all(refused.astype(int) + away + given_up + jobs.ran == 1)
    dropped = away | given_up
    assert np.array_equal(dropped, jobs.dropped_ns >= 0)
    assert np.all(jobs.late[~jobs.ran])
    assert np.all(jobs.revenue_usd[~jobs.ran] == 0.0)
    assert np.all(jobs.landed_ns[away] == jobs.dropped_ns[away])
    assert np.all(jobs.start_ns[away] < 0)
    counted = np.bincount(jobs.site[dropped], minlength=len(sites))
    assert np.array_equal(ledger.data["jobs_dropped"].sum(axis=0), counted)
    back_ns = plan.link
    for job in np.flatnonzero(given_up).tolist():
        bargain = plan.info.lateness[jobs.service[job]]
        moved = jobs.site[job] != jobs.home[job]
        back_ns = transfer_ns(plan.link, float(plan.jobs.output_mb[job])) if moved else 0
        late_ns = int(jobs.dropped_ns[job] - jobs.deadline_ns[job])
        assert revenue_share(bargain, late_ns + back_ns) == 0.0
    for i, site in enumerate(sites):
        assert site.gives_up or not given_up[jobs.site == i].any()
        assert site.queue_limit is not None or not away[jobs.site == i].any()
        data = {name: ledger.data[name][: ledger.slots, i] for name in ledger.data}
        asleep_h = data["gpu_asleep_h"].sum()
        assert site.sleep is not None or asleep_h == 0.0
        hours = hours_from_ns(ledger.slots * ledger.slot_ns)
        used_h = hours * data["busy_share"].mean() * site.gpus + data["gpu_down_h"].sum()
        assert asleep_h + used_h <= hours * site.gpus * (1 + 1e-9)
