"""Binary heaps inside larger arrays, compiled: plain keys, queued jobs, landings."""

from __future__ import annotations

from cosim.world.compiled import inlined
from cosim.world.kernel_state import Ints, Small


@inlined
def sift_up(keys: Ints, first: int, at: int, key: int) -> None:
    """Put a key into the heap that begins at ``first``, from position ``at`` upwards."""
    while at > 0:
        parent = (at - 1) >> 1
        if keys[first + parent] <= key:
            break
        keys[first + at] = keys[first + parent]
        at = parent
    keys[first + at] = key


@inlined
def sift_down(keys: Ints, first: int, size: int, at: int, key: int) -> None:
    """Put a key into the heap of a size, from position ``at`` downwards."""
    child = 2 * at + 1
    while child < size:
        right = child + 1
        if right < size and keys[first + right] < keys[first + child]:
            child = right
        if keys[first + child] >= key:
            break
        keys[first + at] = keys[first + child]
        at = child
        child = 2 * at + 1
    keys[first + at] = key


@inlined
def make_heap(keys: Ints, first: int, size: int) -> None:
    """Order keys into a heap."""
    for at in range(size // 2 - 1, -1, -1):
        sift_down(keys, first, size, at, keys[first + at])


@inlined
def due_before(deadline_ns: Ints, one: int, other: int) -> bool:
    """Whether a job is due before another; of equal deadlines the lower number is first."""
    a, b = deadline_ns[one], deadline_ns[other]
    return a < b or (a == b and one < other)


@inlined
def push_due(jobs: Small, size: int, deadline_ns: Ints, job: int) -> None:
    """Add a job to a heap of ``size`` jobs ordered by deadline."""
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if not due_before(deadline_ns, job, jobs[parent]):
            break
        jobs[at] = jobs[parent]
        at = parent
    jobs[at] = job


@inlined
def pop_due(jobs: Small, size: int, deadline_ns: Ints) -> int:
    """Take the most urgent job from a heap of ``size`` jobs."""
    top, last, at, child = jobs[0], jobs[size - 1], 0, 1
    size -= 1
    while child < size:
        if child + 1 < size and due_before(deadline_ns, jobs[child + 1], jobs[child]):
            child += 1
        if not due_before(deadline_ns, jobs[child], last):
            break
        jobs[at] = jobs[child]
        at = child
        child = 2 * at + 1
    jobs[at] = last
    return int(top)


@inlined
def push_flight(landing_ns: Ints, jobs: Small, size: int, at_ns: int, job: int) -> None:
    """Add a landing to a heap ordered by instant, then job."""
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        there = landing_ns[parent]
        if there < at_ns or (there == at_ns and jobs[parent] < job):
            break
        landing_ns[at], jobs[at] = there, jobs[parent]
        at = parent
    landing_ns[at], jobs[at] = at_ns, job


@inlined
def pop_flight(landing_ns: Ints, jobs: Small, size: int) -> None:
    """Remove the first landing from a heap of ``size``."""
    size -= 1
    last_ns, last = landing_ns[size], jobs[size]
    at, child = 0, 1
    while child < size:
        right = child + 1
        if right < size and (
            landing_ns[right] < landing_ns[child]
            or (landing_ns[right] == landing_ns[child] and jobs[right] < jobs[child])
        ):
            child = right
        if last_ns < landing_ns[child] or (last_ns == landing_ns[child] and last < jobs[child]):
            break
        landing_ns[at], jobs[at] = landing_ns[child], jobs[child]
        at = child
        child = 2 * at + 1
    landing_ns[at], jobs[at] = last_ns, last
