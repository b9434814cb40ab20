"""Energy layers: what to do with clocks, batteries and cooling once the jobs are placed."""
