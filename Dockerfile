# syntax=docker/dockerfile:1
# docker build -t capstan .                    the program, bundled
# docker build -t capstan:dev --target dev .   its sources, which start again when one changes (skaffold)
# docker buildx build --platform linux/amd64,linux/arm64 .   both kinds of machines; npm run image:test builds it without Docker

# A Debian with the Node of package.json's optional packages; by tag, and by digest once one was read from the registry that you use
ARG BASE=node:24-bookworm-slim
# As in playground/tools/table.ts, with which the tests run
ARG HELM_VERSION=v3.22.0
ARG KUBECTL_VERSION=v1.36.3
ARG KUSTOMIZE_VERSION=v5.8.2
ARG SOPS_VERSION=v3.13.3

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# the Node of BASE is used, not the one that comes as a package
RUN npm ci && rm -rf node_modules/node-linux-* node_modules/.bin/node
COPY tsconfig.json ./
COPY bin ./bin
COPY src ./src
COPY charts/capstan ./charts/capstan
RUN node bin/build.ts

FROM ${BASE} AS tools
ARG HELM_VERSION
ARG KUBECTL_VERSION
ARG KUSTOMIZE_VERSION
ARG SOPS_VERSION
ARG TARGETARCH=amd64
# a server with the same paths in place of the projects' own, for networks that reach no other
ARG TOOLS_MIRROR=
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && mkdir /tools
WORKDIR /tools/files
# each is compared with the sum that its project publishes beside it
RUN get="curl --fail --silent --show-error --location --remote-name-all" \
 && file="helm-${HELM_VERSION}-linux-${TARGETARCH}.tar.gz" \
 && from="${TOOLS_MIRROR:-https://get.helm.sh}" \
 && ${get} "${from}/${file}" "${from}/${file}.sha256sum" \
 && sha256sum --check --strict "${file}.sha256sum" \
 && tar --extract --gzip --file "${file}" --strip-components=1 --directory /tools "linux-${TARGETARCH}/helm"
RUN get="curl --fail --silent --show-error --location --remote-name-all" \
 && from="${TOOLS_MIRROR:-https://dl.k8s.io}/${KUBECTL_VERSION}/bin/linux/${TARGETARCH}" \
 && ${get} "${from}/kubectl" "${from}/kubectl.sha256" \
 && echo "$(cat kubectl.sha256)  kubectl" | sha256sum --check --strict \
 && install --mode=0755 kubectl /tools/kubectl
RUN get="curl --fail --silent --show-error --location --remote-name-all" \
 && file="kustomize_${KUSTOMIZE_VERSION}_linux_${TARGETARCH}.tar.gz" \
 && from="${TOOLS_MIRROR:-https://github.com}/kubernetes-sigs/kustomize/releases/download/kustomize%2F${KUSTOMIZE_VERSION}" \
 && ${get} "${from}/${file}" "${from}/checksums.txt" \
 && sha256sum --check --strict --ignore-missing checksums.txt \
 && tar --extract --gzip --file "${file}" --directory /tools kustomize
RUN get="curl --fail --silent --show-error --location --remote-name-all" \
 && file="sops-${SOPS_VERSION}.linux.${TARGETARCH}" \
 && from="${TOOLS_MIRROR:-https://github.com}/getsops/sops/releases/download/${SOPS_VERSION}" \
 && ${get} "${from}/${file}" "${from}/sops-${SOPS_VERSION}.checksums.txt" \
 && sha256sum --check --strict --ignore-missing "sops-${SOPS_VERSION}.checksums.txt" \
 && install --mode=0755 "${file}" /tools/sops

# what both images run on: nobody, nothing to write but what is mounted, children reaped by tini; bash, envsubst and git-secret are what
# generators and encrypted repositories ask for, curl what plugins of helm fetch themselves with
FROM ${BASE} AS ground
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      bash ca-certificates curl gettext-base git git-secret gnupg openssh-client tini util-linux \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc /usr/share/man /usr/share/locale \
      /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* /usr/local/bin/yarn* \
 && install --directory --owner=65534 --group=65534 --mode=0700 /var/lib/capstan
COPY --from=tools /tools/helm /tools/kubectl /tools/kustomize /tools/sops /usr/local/bin/
WORKDIR /opt/capstan
ENV NODE_ENV=production HOME=/var/lib/capstan CAPSTAN_STATE_DIR=/var/lib/capstan
EXPOSE 3030

FROM ground AS dev
COPY package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY bin ./bin
COPY charts/capstan ./charts/capstan
COPY --chown=65534:65534 src ./src
USER 65534:65534
ENTRYPOINT ["tini", "--", "node", "--disable-warning=ExperimentalWarning", "--watch", "--watch-preserve-output", "src/main/cli.ts"]
CMD ["run"]

FROM ground AS capstan
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="Capstan" \
      org.opencontainers.image.description="Keeps a Kubernetes cluster equal to git, with every piece of work a job in BullMQ" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY LICENSE package.json ./
COPY charts/capstan ./charts/capstan
COPY bin/capstan.mjs bin/built.mjs ./bin/
COPY --from=build /src/dist ./dist
# the same program by both names; called fluxctl it is one
RUN ln --symbolic /opt/capstan/bin/capstan.mjs /usr/local/bin/capstan \
 && ln --symbolic /opt/capstan/bin/capstan.mjs /usr/local/bin/fluxctl
USER 65534:65534
ENTRYPOINT ["tini", "--", "capstan"]
CMD ["run"]
