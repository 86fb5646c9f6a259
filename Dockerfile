# asd_tf for processors:   docker build -t asd_tf .
# for NVIDIA GPUs:         docker build -t asd_tf --build-arg GPU=1 .
# with tensorflow-io and tensorflow-addons (x86-64 only):
#                          docker build -t asd_tf --build-arg PYTHON=3.11 --build-arg CONSTRAINTS=py311 .
#
#   docker run --rm -v /data:/data -v "$PWD/runs:/runs" asd_tf asd-train --method=mahalanobis --data_dir=/data --run_dir=/runs/first
ARG PYTHON=3.13
FROM python:${PYTHON}-slim
ARG CONSTRAINTS=current
ARG GPU=
WORKDIR /asd_tf
COPY . .
RUN pip install --no-cache-dir --constraint "constraints/$CONSTRAINTS.txt" .
RUN if [ -n "$GPU" ]; then pip install --no-cache-dir --constraint "constraints/$CONSTRAINTS.txt" 'tensorflow[and-cuda]'; fi
WORKDIR /
RUN asd-train --help
CMD ["asd-train", "--help"]
