# A small image of rmqctl:
#   docker build -t rmqctl .
#   docker run --rm rmqctl --url http://USER:PASSWORD@HOST:15672 list_queues
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/rmqctl && /opt/rmqctl/bin/pip install --no-cache-dir '.[top]' && /opt/rmqctl/bin/pip uninstall -y pip

FROM python:3.13-slim
COPY --from=build /opt/rmqctl /opt/rmqctl
RUN useradd --create-home --uid 1000 rmqctl
USER rmqctl
WORKDIR /home/rmqctl
ENV PATH=/opt/rmqctl/bin:$PATH
ENTRYPOINT ["rmqctl"]
