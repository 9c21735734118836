"""One laptop, same stack: the embedded AWS, the program deployed onto it, processes where Fargate would run tasks."""
