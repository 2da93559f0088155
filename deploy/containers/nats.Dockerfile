# Stands in for nats:2.15-alpine where no registry can be reached: the same program, and busybox as Alpine has it.
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY nats-server /usr/local/bin/nats-server
ENV PATH=/usr/local/bin:/bin
EXPOSE 4222 6222 7422 8222
ENTRYPOINT ["nats-server"]
