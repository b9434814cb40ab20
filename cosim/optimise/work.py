"""The work side of the fluid model: which images go where, with how many steps, at which clock.

Images of a group g wait at home until they are served (``done`` counts them up), then run at a
service i; what is sent to a service is denoised with some mix of step counts c in some mix of
modes, that is clock levels:

    Σ_i run + miss = arriving                  groups that cannot wait
    due ≤ done ≤ arrived, done' = done + Σ_i run + miss    groups that can
    Σ_g run = Σ_c mix                           at each service
    Σ_c c·mix = Σ_modes steps, Σ_c mix = Σ_modes fixed
    Σ time ≤ GPU time                           at each site

``done`` is a running sum, so that arrivals and deadlines are plain ranges of columns: exact where
those who come first are due first, a relaxation otherwise. Steps need no whole numbers and no
concave revenue, because images are many and step counts are columns. An image that has to be
finished within an allowance cannot get more steps than fit into it; as the allowances are nested,
few rows say so for all groups at once (Gale 1957): at a service, images with steps that take
longer than an allowance are at most those of the groups that have more.
"""

from __future__ import annotations

import numpy as np

from cosim.optimise.plant import Groups, Outlook, Plant
from cosim.optimise.program import FloatArray, IntArray, Layout
from cosim.optimise.solver import Solver


class WorkSide:
    """Columns and rows of the work side in a program.

    Args:
        layout: the program.
        plant: the sites.
        groups: the images.
        periods: number of periods.
        inside: how many of them, from the first on, belong to the window; after it GPUs draw
            nothing while they wait.
        loose: whether GPUs may draw more than their work needs; for bounds.
        one_clock: in how many periods, from the first on, all GPUs of a site have one clock level,
            by whole numbers; elsewhere they may differ.

    Attributes:
        route_group: group of each route, shape (routes,).
        route_service: service of each route, shape (routes,).
        run: images on each route, shape (routes, periods).
        miss: images that are late or refused, shape (groups, periods).
        done: served or missed so far, shape (patient groups, periods).
        mix: images by steps, shape (services, steps, periods).
        fixed: images encoded and decoded in each mode, shape (modes, periods).
        step: denoising steps in each mode, same shape.
        it: IT energy of each site [kWh], shape (sites, periods).
        arrive: rows of arrivals, shape (groups, periods); their worth is that of an image.
        gpu: rows of GPU time, shape (sites, periods); their worth is that of a GPU-hour.
        draw: rows of IT energy, same shape.
        steps_due: rows of denoising steps, shape (services, periods); their worth is what a step
            costs.
    """

    def __init__(
        self,
        layout: Layout,
        plant: Plant,
        groups: Groups,
        periods: int,
        inside: int,
        *,
        loose: bool = False,
        one_clock: int = 0,
    ) -> None:
        self.plant, self.groups, self.inside = plant, groups, inside
        self.patient = np.flatnonzero(groups.patient)
        self._lay_groups(layout, periods)
        self._lay_services(layout, periods, ahead=plant.in_hand if loose else None)
        self._lay_allowances(layout, periods)
        self._lay_sites(layout, periods, loose=loose)
        self._lay_clocks(layout, min(one_clock, periods))

    def _lay_groups(self, layout: Layout, periods: int) -> None:
        plant, groups = self.plant, self.groups
        here = plant.place[plant.service_site][None, :] == plant.place[groups.home][:, None]
        reach = here | groups.movable[:, None]
        if groups.serves is not None:
            reach &= groups.serves
        self.route_group, self.route_service = np.nonzero(reach)
        fare = groups.fare_usd[self.route_group, plant.service_site[self.route_service]]
        self.run = layout.columns((len(fare), periods), gain=-fare[:, None])
        self.miss = layout.columns((len(groups), periods), gain=-groups.miss_usd[:, None])
        self.done = layout.columns((len(self.patient), periods))
        self.arrive = layout.equal((len(groups), periods))
        layout.add(self.arrive[self.route_group], self.run, 1.0)
        layout.add(self.arrive, self.miss, 1.0)
        waiting = self.arrive[self.patient]
        layout.add(waiting, self.done, -1.0)
        layout.add(waiting[:, 1:], self.done[:, :-1], 1.0)

    def _lay_services(self, layout: Layout, periods: int, *, ahead: FloatArray | None) -> None:
        plant, modes = self.plant, len(self.plant.mode_service)
        revenue = np.where(np.isfinite(plant.revenue_usd), plant.revenue_usd, 0.0)
        closed = np.where(np.isfinite(plant.revenue_usd), np.inf, 0.0)
        shape = (*revenue.shape, periods)
        self.mix = layout.columns(shape, upper=closed[:, :, None], gain=revenue[:, :, None])
        self.fixed, self.step = (layout.columns((modes, periods)) for _ in range(2))
        match, fixed, step = (layout.equal((plant.n_services, periods)) for _ in range(3))
        self.steps_due = step
        layout.add(match[self.route_service], self.run, 1.0)
        layout.add(match[:, None], self.mix, -1.0)
        layout.add(fixed[:, None], self.mix, 1.0)
        layout.add(fixed[plant.mode_service], self.fixed, -1.0)
        if ahead is not None:
            self._lay_ahead(layout, fixed, ahead[plant.service_site])
        layout.add(step[:, None], self.mix, plant.steps[None, :, None])
        layout.add(step[plant.mode_service], self.step, -1.0)

    def _lay_ahead(self, layout: Layout, fixed: IntArray, most: FloatArray) -> None:
        """Images under way at an edge may be encoded before, or decoded after, their steps."""
        ahead = layout.columns(fixed.shape, lower=-most[:, None], upper=most[:, None])
        layout.add(fixed, ahead, 1.0)
        layout.add(fixed[:, 1:], ahead[:, :-1], -1.0)

    def _lay_allowances(self, layout: Layout, periods: int) -> None:
        """Images with steps that take longer than an allowance: no more than those with more."""
        allowances = np.unique(self.groups.allowance_h)
        for service in range(self.plant.n_services):
            taken_h = np.where(
                np.isfinite(self.plant.revenue_usd[service]), self.plant.image_h[service], 0.0
            )
            before = np.zeros(len(taken_h), dtype=np.bool_)
            for allowed_h in allowances[::-1]:
                longer = taken_h > allowed_h
                if not longer.any() or (longer == before).all():
                    before = longer
                    continue
                before = longer
                more = self.groups.allowance_h[self.route_group] > allowed_h
                routes = (self.route_service == service) & more
                row = layout.rows((periods,), upper=0.0)
                layout.add(row, self.mix[service, longer], 1.0)
                layout.add(row, self.run[routes], -1.0)

    def _lay_sites(self, layout: Layout, periods: int, *, loose: bool) -> None:
        plant, at = self.plant, self.plant.mode_site
        shape = (plant.n_sites, periods)
        waits = np.where(np.arange(periods) < self.inside, 1.0, 0.0)
        self.it = layout.columns(shape)
        self.gpu = layout.rows(shape, upper=0.0)
        self.draw = layout.equal(shape)
        self._loose = loose
        layout.add(self.draw, self.it, 1.0)
        if loose:
            self._lay_burn(layout)
        for column, hours, kwh in (
            (self.fixed, plant.fixed_h, plant.fixed_kwh),
            (self.step, plant.step_h, plant.step_kwh),
        ):
            beyond = kwh[:, None] - waits * (hours * plant.idle_kw[at])[:, None]
            layout.add(self.gpu[at], column, hours[:, None])
            layout.add(self.draw[at], column, -beyond)

    def _lay_burn(self, layout: Layout) -> None:
        """Energy without paid work: of images that are missed all the same, and what is told."""
        self._burn = layout.columns(self.it.shape)
        layout.add(self.draw, self._burn, -1.0)
        self._burnt = layout.rows((), upper=0.0)
        layout.add(self._burnt, self._burn, 1.0)
        layout.add(self._burnt, self.miss, -self.plant.image_kwh_max)

    def _lay_clocks(self, layout: Layout, periods: int) -> None:
        """GPU time of a level is 0 unless the level is on, and one level of each site is on."""
        plant, at = self.plant, self.plant.mode_site
        kinds, self._clock = np.unique(
            np.stack([at, plant.mode_level]), axis=1, return_inverse=True
        )
        self.clock_site, self.clock_level = kinds
        self.on = layout.columns((kinds.shape[1], periods), upper=1.0, whole=True)
        one = layout.equal((plant.n_sites, periods), 1.0)
        layout.add(one[self.clock_site], self.on, 1.0)
        self._off = layout.rows(self.on.shape, upper=0.0)
        for column, hours in ((self.fixed, plant.fixed_h), (self.step, plant.step_h)):
            layout.add(self._off[self._clock.ravel()], column[:, :periods], hours[:, None])
        layout.add(self._off, self.on, -1.0)

    # numbers ----------------------------------------------------------------------------

    def fill(self, solver: Solver, seen: Outlook) -> None:
        """Put in arrivals, deadlines and GPU time."""
        groups = self.groups
        prompt = np.where(groups.patient[:, None], 0.0, seen.arriving)
        solver.set_sides(self.arrive, prompt, prompt)
        arrived = np.cumsum(seen.arriving[self.patient], axis=1)
        solver.set_range(self.done, np.minimum(seen.due[self.patient], arrived), arrived)
        solver.set_gain(self.done, seen.haste_usd_h * seen.hours)
        solver.set_sides(self.gpu, -np.inf, seen.gpu_h)
        ahead = seen.gpu_h[:, : self.on.shape[1]][self.clock_site]
        solver.set_coefficients(self._off, self.on, -np.maximum(ahead, 1e-6))
        base = self.base_kwh(seen)
        solver.set_sides(self.draw, base, base)
        if self._loose:
            solver.set_range(self.it, 0.0, self.most_kwh(seen))
            solver.set_sides(self._burnt, -np.inf, seen.burnt_kwh)
            inside = np.arange(seen.periods) < self.inside
            solver.set_range(self._burn, 0.0, np.where(inside, np.inf, seen.drain_kwh))

    def base_kwh(self, seen: Outlook) -> FloatArray:
        """IT energy without any work, shape (sites, periods)."""
        waiting = self.plant.idle_kw[:, None] * seen.up_h
        kwh = waiting + self.plant.server_kw[:, None] * seen.hours
        return np.asarray(np.where(np.arange(seen.periods) < self.inside, kwh, 0.0))

    def most_kwh(self, seen: Outlook) -> FloatArray:
        """Most IT energy, with every GPU at its greatest power, shape (sites, periods)."""
        extra = (self.plant.busy_kw - self.plant.idle_kw)[:, None] * seen.up_h
        most = self.base_kwh(seen) + extra
        return np.asarray(np.where(np.arange(seen.periods) < self.inside, most, np.inf))

    def only(self, solver: Solver, level: IntArray) -> None:
        """Close all clock levels but one of each site in the first periods, shape (sites, k)."""
        periods = level.shape[1]
        closed = self.plant.mode_level[:, None] != level[self.plant.mode_site]
        upper = np.full(self.step.shape, np.inf)
        upper[:, :periods] = np.where(closed, 0.0, np.inf)
        for column in (self.fixed, self.step):
            solver.set_range(column, 0.0, upper)

    def levels(self, values: FloatArray) -> IntArray:
        """The level that is on at each site in each period with one clock, (sites, periods)."""
        chosen = values[self.on]
        out = np.zeros((self.plant.n_sites, self.on.shape[1]), dtype=np.int64)
        for site in range(self.plant.n_sites):
            mine = self.clock_site == site
            out[site] = self.clock_level[mine][chosen[mine].argmax(axis=0)]
        return out
