"""The reference engine where GPUs batch: one event per step of all images that a GPU holds.

A GPU holds jobs of one model; all their images take each denoising step together, and a step of X
images takes a + b·X. Jobs come and go at the boundaries of steps: a GPU first decodes the jobs
that have done their steps, one after another by job number, then takes from the head of the queue
what fits beside the others, encodes it in order, and takes the next step. The length and the
power of a step are those of its beginning. An empty GPU takes any job, however large and of
whatever model, and an arriving job goes to an empty GPU first.
"""

from __future__ import annotations

from bisect import insort

from cosim.world.events import NsEnvironment
from cosim.world.jobstate import NEVER, JobState
from cosim.world.loading import loading
from cosim.world.plan import ServicePlan, SitePlan
from cosim.world.pool_gpus import Gpu, GpuPool, Steps


class _Batch:
    """What one GPU holds.

    Attributes:
        left: steps left of each job that has not begun to decode.
        images: images on the GPU, those of a job that is being decoded included.
        joining: jobs that are not encoded yet, in order.
        decoding: the job that is being decoded.
        draw_mw: power that is booked to each job at present [mW].
    """

    __slots__ = ("decoding", "draw_mw", "images", "joining", "left")

    def __init__(self) -> None:
        self.left: dict[int, int] = {}
        self.joining: list[int] = []
        self.images, self.decoding = 0, NEVER
        self.draw_mw: dict[int, int] = {}


class BatchPool(GpuPool):
    """A pool of batching GPUs (see :class:`cosim.world.pool.Pool`)."""

    def __init__(
        self,
        env: NsEnvironment,
        site: int,
        plan: SitePlan,
        services: tuple[ServicePlan, ...],
        state: JobState,
    ) -> None:
        super().__init__(env, site, plan, services, state)
        self._batches = [_Batch() for _ in range(plan.gpus)]

    # the queue --------------------------------------------------------------------------

    def _serve(self) -> None:
        """Give waiting jobs to empty, enabled GPUs."""
        while len(self._queue) and (gpu := self._pick()) is not None:
            if self._give_up():
                continue
            self._free.remove(gpu.number)
            self._wake(gpu)
            self._fill(gpu)
            self._rouse(gpu)

    def _fill(self, gpu: Gpu) -> None:
        """Take from the head of the queue as long as it fits; nobody overtakes it."""
        batch, state = self._batches[gpu.number], self.state
        while len(self._queue) and self._fits(batch, self._queue.head()):
            if self._give_up():
                continue
            job = self._queue.pop()
            gpu.job, state.gpu[job] = job, gpu.number
            batch.left[job] = state.steps[job]
            batch.images += state.images[job]
            batch.joining.append(job)

    def _fits(self, batch: _Batch, job: int) -> bool:
        """Whether a job may join: beside jobs of its model, up to B images; alone, always."""
        if not batch.left:
            return True
        alike = self.state.service[job] == self.state.service[next(iter(batch.left))]
        return alike and batch.images + self.state.images[job] <= self.plan.batch_max

    def _end_ns(self, gpu: Gpu) -> int:
        """When a GPU would have ended its jobs as part of full batches, phases under way whole."""
        batch, state, level = self._batches[gpu.number], self.state, self._level
        if gpu.job == NEVER:
            return self.env.now
        service = self.services[state.service[gpu.job]]
        ends = sum(
            state.images[job] * (left * service.share_ns(level) + service.decode_ns[level])
            for job, left in batch.left.items()
        )
        if batch.decoding != NEVER:
            ends += state.images[batch.decoding] * service.decode_ns[level]
        ends += sum(state.images[job] for job in batch.joining) * service.encode_ns[level]
        return self.env.now + ends + gpu.loading_ns

    # the life of a GPU ------------------------------------------------------------------

    def _work(self, gpu: Gpu) -> Steps:
        """From boundary to boundary: encode, denoise, decode, take; for ever."""
        while True:
            if gpu.job == NEVER:
                yield self._wait(gpu)
            yield from self._encode(gpu)
            while gpu.number in self._disabled:
                yield from self._pause(gpu)
            yield from self._step(gpu)
            yield from self._decode(gpu)
            self._take(gpu)

    def _take(self, gpu: Gpu) -> None:
        """At a boundary, take jobs unless switched off; an empty GPU is free."""
        if gpu.number not in self._disabled:
            self._fill(gpu)
        if not self._batches[gpu.number].left:
            gpu.job = NEVER
            insort(self._free, gpu.number)

    def _lose(self, gpu: Gpu) -> None:
        """Put the jobs of a GPU that has failed back: all that they have done is lost."""
        self._share(gpu, {})
        batch, self._batches[gpu.number] = self._batches[gpu.number], _Batch()
        jobs = {*batch.left, batch.decoding} - {NEVER}
        for job in sorted(jobs, reverse=True):  # the lowest number comes to stand first
            self._queue.put_back(job)
        gpu.job, gpu.paused, gpu.loading_ns = NEVER, False, 0
        insort(self._free, gpu.number)

    def _encode(self, gpu: Gpu) -> Steps:
        """Load the model if another one is in memory; encode the jobs that join, in order."""
        batch, state = self._batches[gpu.number], self.state
        gpu.since_ns = self.env.now
        if batch.joining and gpu.service != state.service[batch.joining[0]]:
            yield from self._load_for(gpu, batch.joining[0])
        service = self.services[gpu.service]
        while batch.joining:
            job = batch.joining[0]
            if state.start_ns[job] == NEVER:
                state.start_ns[job] = self.env.now
            yield from self._phase(gpu, job, service.encode_ns[self._level])
            del batch.joining[0]

    def _load_for(self, gpu: Gpu, job: int) -> Steps:
        """Bring the model of a job into memory; it pays for it."""
        wanted = self.state.service[job]
        about = (self.services, self.plan.sleep, gpu.service, wanted)
        load = loading(*about, self.state.luck[job])
        gpu.service, gpu.loading_ns = wanted, loading(*about).ns
        self._share(gpu, {job: load.mw})
        yield gpu.tick.after(load.ns)
        self._share(gpu, {})
        gpu.loading_ns = 0

    def _phase(self, gpu: Gpu, job: int, image_ns: int) -> Steps:
        """Encode or decode the images of one job; the clock was looked at when it began."""
        if not image_ns:
            return
        self._share(gpu, {job: self.services[gpu.service].fixed_mw[self._level]})
        yield gpu.tick.after(self.state.images[job] * image_ns)
        self._share(gpu, {})

    def _step(self, gpu: Gpu) -> Steps:
        """Let all images take one denoising step together."""
        batch, images = self._batches[gpu.number], self.state.images
        service = self.services[gpu.service]
        step_ns, image_mw = service.batch_step(self._level, batch.images)
        self._share(gpu, {job: images[job] * image_mw for job in batch.left})
        yield gpu.tick.after(step_ns)
        self._share(gpu, {})
        self._steps += batch.images
        for job in batch.left:
            batch.left[job] -= 1

    def _decode(self, gpu: Gpu) -> Steps:
        """Decode the jobs that have done their steps, by job number; each ends with its own."""
        batch, state = self._batches[gpu.number], self.state
        for job in sorted(job for job, left in batch.left.items() if not left):
            del batch.left[job]
            batch.decoding = job
            yield from self._phase(gpu, job, self.services[gpu.service].decode_ns[self._level])
            batch.decoding = NEVER
            batch.images -= state.images[job]
            self._images += state.images[job]
            state.finish_ns[job] = self.env.now
            self._finished.append(job)

    # power ------------------------------------------------------------------------------

    def _share(self, gpu: Gpu, draw_mw: dict[int, int]) -> None:
        """Change the power that is booked to each job."""
        self._book(gpu)
        self._batches[gpu.number].draw_mw = draw_mw

    def _book(self, gpu: Gpu) -> None:
        """Post the energy drawn since the last posting to the jobs and to the bin."""
        elapsed_ns, draw_mw = self.env.now - gpu.since_ns, self._batches[gpu.number].draw_mw
        gpu.since_ns = self.env.now
        total_mw = sum(draw_mw.values())
        if not total_mw or not elapsed_ns:
            return
        self._busy_ns += elapsed_ns
        self._busy_pj += elapsed_ns * total_mw
        for job, mw in draw_mw.items():
            self.state.energy_pj[job] += elapsed_ns * mw
