#!/usr/bin/env bash
# up.sh kind|minikube: a cluster on this machine with Kubeflow Pipelines, our image and the local overlay; about half an
# hour the first time, safe to run again. `make kind` and `make minikube` call it; what it makes, `kind delete cluster
# --name gan` and `minikube delete --profile gan` take away.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:?which: kind or minikube}
name=gan
kfp=${KFP_VERSION:-2.17.0}
image=${IMAGE:-gan-pipelines:dev}
for tool in "$kind" kubectl docker; do
  command -v "$tool" > /dev/null || { echo "up.sh needs $tool in PATH" >&2; exit 1; }
done

case $kind in
  kind) # 0.24 or later: its network enforces NetworkPolicies
    kind get clusters | grep -qx "$name" || kind create cluster --name "$name" --wait 5m
    kubectl config use-context "kind-$name" ;;
  minikube) # its default network enforces none
    minikube start --profile "$name" --cni calico --cpus 4 --memory 12g
    kubectl config use-context "$name" ;;
  *) echo "up.sh knows kind and minikube; got $kind" >&2; exit 1 ;;
esac

source=github.com/kubeflow/pipelines/manifests/kustomize
# The second time KFP takes back what we changed of its own (Argo's settings, Pod Security of the namespace), for a moment.
kubectl apply --server-side --force-conflicts --kustomize "$source/cluster-scoped-resources?ref=$kfp"
kubectl wait --for condition=established --timeout 60s crd/applications.app.k8s.io
kubectl apply --server-side --force-conflicts --kustomize "$source/env/platform-agnostic?ref=$kfp"
kubectl rollout status --namespace kubeflow --timeout 20m deployment

make image IMAGE="$image"
if [ "$kind" = kind ]; then
  kind load docker-image "$image" --name "$name"
else
  minikube image load "$image" --profile "$name"
fi

k8s/workflow-controller.sh
k8s/store-secret.sh
# under a name of its own, or else KFP's next apply would take out of the namespace whatever it does not know
kubectl apply --server-side --force-conflicts --field-manager gan-pipelines --kustomize k8s/overlays/local
kubectl rollout status --namespace kubeflow --timeout 5m statefulset/gan-s3
cat << END
Ready. In one terminal:   kubectl port-forward --namespace kubeflow service/ml-pipeline 8888
In another:               gan-pipelines submit --config digits --profile local --image $image --allow-tag \\
                            --store s3://gan/store --host http://127.0.0.1:8888 --wait
END
