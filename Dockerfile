# The workers' image: `python -m monitor_fleet`, and nothing that it does not import.
#   docker build --platform linux/arm64 --build-arg PYTHON=python:3.13-slim@sha256:… -t … .
# The tag is what this file can know; a release gives the digest of that tag, so that the same commit builds the same image.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS packages
COPY locks/worker.txt /locks/worker.txt
RUN ["python", "-m", "venv", "/venv"]
RUN ["/venv/bin/python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-compile", "--only-binary", ":all:", "--require-hashes", "-r", "/locks/worker.txt"]

FROM ${PYTHON}
# Nothing is written at run time: the root may be read-only.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HEALTH_PORT=8080
WORKDIR /app
COPY --from=packages /venv /venv
COPY contracts contracts
COPY fetching fetching
COPY monitor_fleet monitor_fleet
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["python", "-m", "monitor_fleet"]
