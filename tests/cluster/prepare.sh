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

# where their images can't be pulled, the servers that `make servers` built go into images of their own
loaded() {
  local image=gan-$1:local context
  "$DOCKER" image inspect gan-base:local > /dev/null 2>&1 && [ -x ".servers/bin/$1" ] || return 1
  if ! "$DOCKER" image inspect "$image" > /dev/null 2>&1; then
    context=$(mktemp -d)
    cp ".servers/bin/$1" "$context/server"
    printf 'FROM gan-base:local\nCOPY server /usr/local/bin/%s\nENTRYPOINT ["/usr/local/bin/%s"]\n' "$1" "$1" > "$context/Dockerfile"
    "$DOCKER" build --quiet --tag "$image" "$context"
    rm -r "$context"
  fi
  tests/cluster/load_image.sh --no-build "$image"
}
with_images() { # reads manifests, and writes them with our images of these servers
  sed -E "${minio:+s,image: (quay.io/)?minio/minio.*,image: gan-minio:local,;}${gateway:+s,image: quay.io/prometheus/pushgateway.*,image: gan-pushgateway:local,}"
}
minio=$(loaded minio > /dev/null && echo yes || true)
gateway=$(loaded pushgateway > /dev/null && echo yes || true)

k8s/workflow-controller.sh "$namespace" > /dev/null
k8s/store-secret.sh "$namespace"
kubectl kustomize k8s/overlays/local | with_images |
  kubectl apply --server-side --force-conflicts --field-manager gan-pipelines --filename - > /dev/null
kubectl rollout status --namespace "$namespace" --timeout 180s statefulset/gan-s3

# the push gateway of the component monitoring, whose other parts need the Prometheus operator
with_images < k8s/components/monitoring/pushgateway.yaml |
  kubectl apply --namespace "$namespace" --server-side --force-conflicts --field-manager gan-pipelines --filename - > /dev/null
kubectl rollout status --namespace "$namespace" --timeout 180s deployment/gan-pushgateway
kubectl patch configmap gan-settings --namespace "$namespace" --type merge \
  --patch "{\"data\": {\"GAN_PUSHGATEWAY\": \"http://gan-pushgateway.$namespace:9091\"}}" > /dev/null
