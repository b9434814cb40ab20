"""Physics: what a joule, a degree and a denoising step cost; numbers in, numbers out."""
