# One image for all services: the command names them, as in `docker run yiwang run intake`.
#
#   docker build -t yiwang .                                       from a package index
#   make wheelhouse && docker build --network none -t yiwang .     without any network (wheels for the base's Python)
#
# The base needs Python 3.11 to 3.13 and glibc 2.34 or newer.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY constraints.txt dist/wheelhous[e] wheels/
COPY deploy/image/install.py deploy/image/trim.py ./
COPY libs libs
COPY services services
RUN ["python3", "install.py", "/opt/yiwang"]

FROM ${BASE_IMAGE}
COPY --from=build /opt/yiwang /opt/yiwang
COPY deploy/profiles /opt/yiwang/profiles
COPY deploy/image/healthy.py /opt/yiwang/healthy.py
# What a base brings for installing packages is not needed any more.
RUN install -d -o 10001 -g 10001 -m 700 /backup && \
    rm -rf /usr/local/lib/python3.*/site-packages/pip* /usr/local/lib/python3.*/ensurepip /usr/local/bin/pip*
ENV PATH=/opt/yiwang/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    YIWANG_HTTP_HOST=0.0.0.0 \
    YIWANG_HTTP_PORT=8080 \
    YIWANG_PG_BIN=/opt/yiwang/postgres/bin
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 CMD ["/opt/yiwang/bin/python", "/opt/yiwang/healthy.py"]
ENTRYPOINT ["/opt/yiwang/bin/yiwang"]
CMD ["--help"]
