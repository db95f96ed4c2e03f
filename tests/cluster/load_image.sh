#!/usr/bin/env bash
# load_image.sh [--no-build] [NAME:TAG]: builds the image of the steps and loads it into the cluster at hand.
#
# Which cluster, by the context that kubectl is set to and the labels of its nodes: kind's and minikube's through their own
# commands; any other through the containerd on this machine whose socket CONTAINERD_ADDRESS names, by default the first of
# the usual places.
# Pods must not pull it again: any tag but `latest` does.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DOCKER=${DOCKER:-$([ -x /usr/bin/docker ] && echo /usr/bin/docker || echo docker)}
build=yes
if [ "${1:-}" = --no-build ]; then build=no; shift; fi
image=${1:-gan-pipelines:dev}

if [ "$build" = yes ]; then
  # where no image can be pulled, base_image.sh made one to build on
  if [ -z "${BASE_IMAGE:-}" ] && "$DOCKER" image inspect gan-base:local > /dev/null 2>&1; then
    export BASE_IMAGE=gan-base:local
  fi
  make --no-print-directory image IMAGE="$image"
fi

context=$(kubectl config current-context 2> /dev/null || true)
profile=$(kubectl get nodes --output 'jsonpath={.items[0].metadata.labels.minikube\.k8s\.io/name}' 2> /dev/null || true)
case ${profile:+minikube:}$context in
  minikube:*) minikube image load "$image" --profile "$profile" ;;
  kind-*) kind load docker-image "$image" --name "${context#kind-}" ;;
  *)
    sockets=(/run/localkube/containerd.sock /run/k3s/containerd/containerd.sock)
    for socket in ${CONTAINERD_ADDRESS:-"${sockets[@]}"}; do
      if [ -S "$socket" ]; then
        "$DOCKER" save "$image" | ctr --address "$socket" --namespace k8s.io images import -
        exit
      fi
    done
    echo "load_image.sh: the context '$context' is neither kind's nor minikube's, and no containerd of a cluster answers" \
      "here (CONTAINERD_ADDRESS names its socket); push $image to a registry that the nodes read instead" >&2
    exit 1
    ;;
esac
