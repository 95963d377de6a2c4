# syntax=docker/dockerfile:1
# docker build -t capstan .                the program, bundled
# docker build -t capstan:dev --target dev .   its sources, which start again when one changes (skaffold)
ARG BASE=node:24-bookworm-slim
ARG HELM_VERSION=v3.22.0
ARG SOPS_VERSION=v3.13.3

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# the Node of BASE is used, not the one that comes as a package
RUN npm ci && rm -rf node_modules/node-linux-* node_modules/.bin/node
COPY tsconfig.json ./
COPY bin ./bin
COPY src ./src
COPY charts/capstan/crds ./charts/capstan/crds
RUN node bin/build.ts

FROM ${BASE} AS helm
ARG HELM_VERSION
ARG TARGETARCH=amd64
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && cd /tmp \
 && file="helm-${HELM_VERSION}-linux-${TARGETARCH}.tar.gz" \
 && curl --fail --silent --show-error --location --remote-name-all "https://get.helm.sh/${file}" "https://get.helm.sh/${file}.sha256sum" \
 && sha256sum --check "${file}.sha256sum" \
 && tar --extract --gzip --file "${file}" --strip-components=1 --directory /usr/local/bin "linux-${TARGETARCH}/helm"

FROM ${BASE} AS sops
ARG SOPS_VERSION
ARG TARGETARCH=amd64
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && cd /tmp \
 && release="https://github.com/getsops/sops/releases/download/${SOPS_VERSION}" \
 && file="sops-${SOPS_VERSION}.linux.${TARGETARCH}" \
 && curl --fail --silent --show-error --location --remote-name-all "${release}/${file}" "${release}/sops-${SOPS_VERSION}.checksums.txt" \
 && sha256sum --check --ignore-missing --strict "sops-${SOPS_VERSION}.checksums.txt" \
 && install --mode=0755 "${file}" /usr/local/bin/sops

# what both images run on: nobody, nothing to write but what is mounted, children reaped by tini
FROM ${BASE} AS ground
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git gnupg openssh-client tini \
 && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules/npm /usr/local/bin/npm /usr/local/bin/npx /opt/yarn-* \
 && install --directory --owner=65534 --group=65534 --mode=0700 /var/lib/capstan
COPY --from=helm /usr/local/bin/helm /usr/local/bin/helm
COPY --from=sops /usr/local/bin/sops /usr/local/bin/sops
WORKDIR /opt/capstan
ENV NODE_ENV=production HOME=/var/lib/capstan CAPSTAN_STATE_DIR=/var/lib/capstan
EXPOSE 3030

FROM ground AS dev
COPY package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY bin ./bin
COPY charts/capstan/crds ./charts/capstan/crds
COPY --chown=65534:65534 src ./src
USER 65534:65534
ENTRYPOINT ["tini", "--", "node", "--disable-warning=ExperimentalWarning", "--watch", "--watch-preserve-output", "src/main/cli.ts"]
CMD ["run"]

FROM ground AS capstan
LABEL org.opencontainers.image.title="Capstan" \
      org.opencontainers.image.description="Keeps a Kubernetes cluster equal to git, with every piece of work a job in BullMQ" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY LICENSE package.json ./
COPY charts/capstan/crds ./charts/capstan/crds
COPY bin/capstan.mjs bin/built.mjs ./bin/
COPY --from=build /src/dist ./dist
RUN ln --symbolic /opt/capstan/bin/capstan.mjs /usr/local/bin/capstan
USER 65534:65534
ENTRYPOINT ["tini", "--", "capstan"]
CMD ["run"]
