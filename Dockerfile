# The workers' image: `python -m monitor_fleet`, and nothing that it does not import.
#   docker build --platform linux/arm64 -t … .
# The digest is that of the index over all platforms (September 2026), so the same commit gives the same image. To renew:
#   docker buildx imagetools inspect python:3.13-slim
# Written out twice: Dependabot reads no ARG in a FROM.
FROM python:3.13.15-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS packages
COPY locks/worker.txt /locks/worker.txt
RUN ["python", "-m", "venv", "/venv"]
RUN ["/venv/bin/python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-compile", "--only-binary", ":all:", "--require-hashes", "-r", "/locks/worker.txt"]

FROM python:3.13.15-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
# Nothing is written at run time: the root may be read-only.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HEALTH_PORT=8080
WORKDIR /app
COPY --from=packages /venv /venv
# Whatever the umask of the checkout: the worker's user must be able to read.
COPY --chmod=0755 contracts contracts
COPY --chmod=0755 fetching fetching
COPY --chmod=0755 monitor_fleet monitor_fleet
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"HEALTH_PORT\"]}/healthz', timeout=4)"]
CMD ["python", "-m", "monitor_fleet"]
