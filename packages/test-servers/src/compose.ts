/** Where the services of the repository's docker-compose.yml listen. */
export const compose = {
  postgres: 'postgres://postgres:annals@127.0.0.1:55432/postgres',
  dynamodb: 'http://127.0.0.1:58000',
  kurrentdb: 'kurrentdb://127.0.0.1:52113?tls=false',
} as const

/** How to get them, for messages. */
export const composeUp =
  'docker compose up -d --wait   (in the repository, whose docker-compose.yml has it)'
