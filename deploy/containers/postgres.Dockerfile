# Stands in for postgres:17-alpine where no registry can be reached: the programs of the wheel, the same variables.
FROM yiwang-base:bookworm
COPY pg /usr/local/pg
COPY entry.sh /usr/local/bin/docker-entrypoint.sh
RUN chmod 755 /usr/local/bin/docker-entrypoint.sh && useradd --uid 70 --create-home postgres && \
    install -d -o postgres -g postgres /var/lib/postgresql/data /run/postgresql
ENV PATH=/usr/local/pg/bin:$PATH PGDATA=/var/lib/postgresql/data PGHOST=/run/postgresql
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
