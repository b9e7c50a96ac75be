# Tenkyo in a container. Two stages: the first installs, the second only runs, so that pip's
# caches and the source tree stay out of the image.
#
#   docker build --tag tenkyo .
#   docker run --read-only --tmpfs /tmp --volume tenkyo-data:/data --publish 127.0.0.1:8000:8000 tenkyo
#
# It runs the bundled models, and models on servers. For another embedding model, re-ranker or
# checker in its own process (TENKYO_EMBEDDER, TENKYO_RERANKER, TENKYO_CHECKER), put the library
# sentence-transformers into it:
#
#   docker build --build-arg SENTENCE_TRANSFORMERS=1 --tag tenkyo .
#
# On Linux the torch that comes with it brings GPU libraries of several gigabytes that are of no
# use here. Where you have a package index with CPU builds of torch, name it, and they stay out:
#
#   docker build --build-arg SENTENCE_TRANSFORMERS=1 --build-arg TORCH_INDEX=<its URL> --tag tenkyo .

FROM python:3.12-slim AS build

# Anything but empty installs the library. The requirement of torch is pyproject.toml's; the index,
# if any, is asked for torch alone.
ARG SENTENCE_TRANSFORMERS=""
ARG TORCH="torch>=2.7"
ARG TORCH_INDEX=""

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ONLY_BINARY=:all:
RUN python -m venv /opt/tenkyo
WORKDIR /source
# First what a change of the source leaves alone: the dependencies, each checked against its
# hashes. Database servers (TENKYO_DATABASE_URL) and a language model in the process
# (TENKYO_LLM_GGUF) are provided for. The library has no hashes: torch differs between indexes.
COPY constraints.txt requirements.txt ./
RUN /opt/tenkyo/bin/pip install --no-deps --require-hashes --requirement requirements.txt
RUN if [ -n "$SENTENCE_TRANSFORMERS" ]; then \
        /opt/tenkyo/bin/pip install --constraint constraints.txt \
            ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$TORCH" \
        && /opt/tenkyo/bin/pip install --constraint constraints.txt sentence-transformers; fi
COPY . .
RUN /opt/tenkyo/bin/pip install --no-deps --no-build-isolation . \
    && /opt/tenkyo/bin/pip check


FROM python:3.12-slim

# A fixed uid, so that a folder of the host mounted on /data can be given to it (chown 10001).
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin \
        tenkyo \
    && install --directory --owner tenkyo --group tenkyo /data
# The same path as in the first stage: a virtual environment does not move.
COPY --from=build /opt/tenkyo /opt/tenkyo

# It listens beyond the container, since otherwise no port could be published: who may come in is
# decided by what is published, as above on 127.0.0.1 alone.
# Only /data and /tmp are written, so the root file system can be read-only. Anything that is
# fetched from a model hub goes to /data too.
ENV PATH=/opt/tenkyo/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/data/huggingface \
    XDG_CACHE_HOME=/tmp/cache \
    TENKYO_DATA_DIR=/data \
    TENKYO_HOST=0.0.0.0 \
    TENKYO_OPEN=1

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000

# Ready means that questions are answered; the first start ingests the library before that.
# No proxy is used for the way to itself.
HEALTHCHECK --interval=15s --timeout=6s --start-period=20m --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:%s/readyz' % (os.environ.get('TENKYO_PORT') or 8000), timeout=5)"]

# The bundled embedding model is unpacked at the first start, into /data/models, not here: the
# image has it already, packed to a quarter, unpacking takes seconds, and a volume that was
# there before would hide whatever the image had put into /data.
#
# `tenkyo ingest` is run at every start: what has not changed is not done again, and what an
# interrupted run left undone is completed. Should it fail, an index from before is still
# served; without one, `tenkyo serve` says so and ends.
CMD ["sh", "-c", "tenkyo ingest; exec tenkyo serve"]
