"""The reference engine where a GPU runs one job at a time: one event per denoising step.

A GPU takes the job at the head of the queue, loads the model if another one is in memory, and for
each image encodes, denoises step by step and decodes. It looks at the clock, at the enable switch
and for a more urgent job at the boundaries of steps and phases only.
"""

from __future__ import annotations

from bisect import insort

from cosim.world.jobstate import NEVER
from cosim.world.loading import loading
from cosim.world.pool_gpus import Gpu, GpuPool, Steps


class StepPool(GpuPool):
    """A pool that advances one denoising step at a time (see :class:`cosim.world.pool.Pool`)."""

    # the queue -------------------------------------------------------------------------

    def _serve(self) -> None:
        """Give waiting jobs to free GPUs that can run."""
        while len(self._queue) and (gpu := self._pick()) is not None:
            if self._give_up():
                continue
            self._free.remove(gpu.number)
            self._wake(gpu)
            gpu.job = self._queue.pop()
            self._rouse(gpu)

    def _lose(self, gpu: Gpu) -> None:
        """Put the job of a GPU that has failed back: only images that have ended are kept."""
        state, job = self.state, gpu.job
        self._draw(gpu, 0)
        state.images_left[job] = state.images[job] - state.images_done[job]
        state.steps_left[job] = 0
        self._queue.put_back(job)
        gpu.job, gpu.paused, gpu.loading_ns, gpu.encoding = NEVER, False, 0, False
        insort(self._free, gpu.number)

    def _end_ns(self, gpu: Gpu) -> int:
        """When a GPU will have ended its job at this clock; a step under way counts whole [ns]."""
        if gpu.job == NEVER:
            return self.env.now
        state, job = self.state, gpu.job
        service, level = self.services[gpu.service], self._level
        image = service.job_ns(level, state.steps[job], 1)
        rest = state.steps_left[job] * service.step_ns[level] + service.decode_ns[level]
        rest += gpu.encoding * service.encode_ns[level] + gpu.loading_ns
        return self.env.now + rest + state.images_left[job] * image

    # the life of a GPU -----------------------------------------------------------------

    def _work(self, gpu: Gpu) -> Steps:
        """Wait for a job, run it, take the next, for ever."""
        while True:
            if gpu.job == NEVER:
                yield self._wait(gpu)
            yield from self._run(gpu, gpu.job)

    def _run(self, gpu: Gpu, job: int) -> Steps:
        """Run a job from where it stands to its end, or until a more urgent one takes the GPU."""
        state = self.state
        state.gpu[job] = gpu.number
        gpu.since_ns = self.env.now
        if gpu.service != state.service[job]:
            yield from self._load(gpu, job, state.service[job])
        if state.start_ns[job] == NEVER:
            state.start_ns[job] = self.env.now
        while state.images_left[job] or state.steps_left[job]:
            if not state.steps_left[job]:
                yield from self._begin_image(gpu, job)
            yield from self._denoise(gpu, job)
            if state.steps_left[job]:
                self._give_way(gpu)
                return
            yield from self._end_image(gpu, job)
        self._end(gpu)

    def _end(self, gpu: Gpu) -> None:
        """Hand a job over that has ended, and take the next."""
        self._draw(gpu, 0)
        self.state.finish_ns[gpu.job] = self.env.now
        self._finished.append(gpu.job)
        gpu.job = NEVER
        while len(self._queue) and gpu.number not in self._disabled:
            if not self._give_up():
                gpu.job = self._queue.pop()
                return
        insort(self._free, gpu.number)

    def _give_way(self, gpu: Gpu) -> None:
        """Put the job back where its key belongs and take the head of the queue."""
        self._draw(gpu, 0)
        job, gpu.job = gpu.job, self._queue.pop()
        self._queue.push(job)

    def _load(self, gpu: Gpu, job: int, number: int) -> Steps:
        """Bring another model into memory, waking up first if need be."""
        about = (self.services, self.plan.sleep, gpu.service, number)
        load = loading(*about, self.state.luck[job])
        gpu.service, gpu.loading_ns = number, loading(*about).ns
        self._draw(gpu, load.mw)
        yield gpu.tick.after(load.ns)
        gpu.loading_ns = 0

    def _begin_image(self, gpu: Gpu, job: int) -> Steps:
        """Encode at the clock of now."""
        service, state = self.services[gpu.service], self.state
        state.images_left[job] -= 1
        state.steps_left[job] = state.steps[job]
        if service.encode_ns[self._level]:
            gpu.encoding = True
            self._draw(gpu, service.fixed_mw[self._level])
            yield gpu.tick.after(service.encode_ns[self._level])
            gpu.encoding = False

    def _denoise(self, gpu: Gpu, job: int) -> Steps:
        """Step by step to the image's end, or to where a more urgent job takes the GPU."""
        service, tick, steps_left = self.services[gpu.service], gpu.tick, self.state.steps_left
        gpu.heard = NEVER
        while steps_left[job]:
            if gpu.heard != self._news:
                yield from self._heed(gpu)
                step_ns = service.step_ns[self._level]
            if self.plan.preempt and self._is_outranked(job):
                return
            yield tick.after(step_ns)
            steps_left[job] -= 1
            self._steps += 1

    def _is_outranked(self, job: int) -> bool:
        """Whether the head of the queue takes the GPU over, hopeless heads aside."""
        while self._queue.outranks(job):
            if not self._give_up():
                return True
        return False

    def _end_image(self, gpu: Gpu, job: int) -> Steps:
        """Decode at the clock of now."""
        service = self.services[gpu.service]
        if service.decode_ns[self._level]:
            self._draw(gpu, service.fixed_mw[self._level])
            yield gpu.tick.after(service.decode_ns[self._level])
        self.state.images_done[job] += 1
        self._images += 1

    def _heed(self, gpu: Gpu) -> Steps:
        """At a step boundary, follow the switch and the clock."""
        if gpu.number in self._disabled:
            yield from self._pause(gpu)
        gpu.heard = self._news
        self._draw(gpu, self.services[gpu.service].step_mw[self._level])

    # power -----------------------------------------------------------------------------

    def _book(self, gpu: Gpu) -> None:
        """Post the energy drawn since the last posting to the job and to the bin."""
        elapsed_ns = self.env.now - gpu.since_ns
        gpu.since_ns = self.env.now
        if gpu.mw and elapsed_ns:
            self._busy_ns += elapsed_ns
            self._busy_pj += elapsed_ns * gpu.mw
            self.state.energy_pj[gpu.job] += elapsed_ns * gpu.mw
