#!/usr/bin/env bash
# prepare.sh: puts what the cluster tests need into the cluster of KUBECONFIG: our image, the local overlay with its store,
# and the keys of that store. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DOCKER=${DOCKER:-$([ -x /usr/bin/docker ] && echo /usr/bin/docker || echo docker)}
namespace=kubeflow

# without a cluster there is nothing to prepare, and the tests skip with the reason
host=${KFP_HOST:-http://127.0.0.1:8888}
if ! curl --fail --silent --max-time 10 --noproxy '*' "$host/apis/v2beta1/healthz" > /dev/null; then
  echo "prepare.sh: nothing is prepared: no Kubeflow Pipelines answers at KFP_HOST=$host" >&2; exit
fi
if ! kubectl get nodes > /dev/null; then
  echo "prepare.sh: nothing is prepared: no cluster answers at KUBECONFIG=${KUBECONFIG:-}" >&2; exit
fi

if [ "${GAN_TEST_LOAD_IMAGE:-yes}" = yes ]; then
  tests/cluster/load_image.sh "${GAN_TEST_IMAGE:-gan-pipelines:cluster-test}"
fi

# where MinIO's image can't be pulled, the one that `make servers` built goes into an image of its own
minio=
if "$DOCKER" image inspect gan-base:local > /dev/null 2>&1 && [ -x .servers/bin/minio ]; then
  minio=gan-minio:local
  if ! "$DOCKER" image inspect "$minio" > /dev/null 2>&1; then
    context=$(mktemp -d)
    cp .servers/bin/minio "$context/minio"
    printf 'FROM gan-base:local\nCOPY minio /usr/local/bin/minio\n' > "$context/Dockerfile"
    "$DOCKER" build --quiet --tag "$minio" "$context"
    rm -r "$context"
  fi
  tests/cluster/load_image.sh --no-build "$minio"
fi

k8s/workflow-controller.sh "$namespace" > /dev/null
k8s/store-secret.sh "$namespace"
kubectl kustomize k8s/overlays/local |
  { [ -z "$minio" ] && cat || sed -E "s,image: (quay.io/)?minio/minio.*,image: $minio,"; } |
  kubectl apply --server-side --force-conflicts --filename - > /dev/null
kubectl rollout status --namespace "$namespace" --timeout 180s statefulset/gan-s3
