# One image for the gateway and, as they are part of the package, for the sample services.

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY schema schema
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/schema schema
COPY --from=build /build/dist dist
COPY deploy/healthcheck.js deploy/healthcheck.js
RUN ln -s /app/dist/ops/cli/bin.js /usr/local/bin/freshet && chmod +x dist/ops/cli/bin.js
USER node
EXPOSE 4000
# The operators' listener is on loopback: asked from inside the container.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --start-interval=1s \
  CMD ["node", "deploy/healthcheck.js", "http://127.0.0.1:4001/readyz"]
# No shell in between, so that SIGTERM reaches the process and it ends its requests first.
ENTRYPOINT ["node"]
CMD ["dist/ops/cli/bin.js", "start"]
