// Tokens verified with the keys that Menshen publishes: by whoever gets one, without asking.
import assert from 'node:assert/strict'
import { application, menshen, password, person, data, shaped, step, tokens } from './menshen.mjs'

const alice = await person('alice', {
  name: 'Alice',
  nickname: 'Ally',
  photo: 'https://example.com/a.png',
  gender: 'F',
  email: 'alice@example.com',
})
const client = application()
const set = await tokens('alice')
const keys = await (await fetch(menshen.url + '/oidc/.well-known/jwks.json')).json()

await step('the access token', async () => {
  const claims = shaped(await client.parseAccessToken(set.access_token), {
    sub: 'string',
    iat: 'number',
    exp: 'number',
    scope: 'string',
    iss: 'string',
    aud: 'string',
  })
  assert.equal(claims.sub, alice.userId)
  assert.equal(claims.aud, menshen.appId)
  assert.equal(claims.scope, set.scope)
  assert.equal(claims.exp - claims.iat, set.expire_in)
})

await step('an access token has an id of its own', async () => {
  const ids = new Set()
  for (const token of [set.access_token, (await tokens('alice')).access_token]) {
    ids.add(shaped(await client.parseAccessToken(token), { jti: 'string' }).jti)
  }
  assert.equal(ids.size, 2)
})

await step('the ID token', async () => {
  const claims = shaped(await client.parseIDToken(set.id_token), {
    sub: 'string',
    iat: 'number',
    exp: 'number',
    iss: 'string',
    aud: 'string',
  })
  assert.equal(claims.sub, alice.userId)
  assert.equal(claims.aud, menshen.appId)
})

await step('with a scope come its claims', async () => {
  const options = { scope: 'openid profile email' }
  const { id_token: token } = data(await client.signInByUsernamePassword({ username: 'alice', password, options }))
  const claims = await client.parseIDToken(token)
  assert.equal(claims.name, 'Alice')
  assert.equal(claims.nickname, 'Ally')
  assert.equal(claims.picture, 'https://example.com/a.png')
  assert.equal(claims.gender, 'F')
  assert.equal(claims.email, 'alice@example.com')
  if (claims.updated_at !== undefined) assert.equal(typeof claims.updated_at, 'string')
})

await step('keys that were fetched before do as well', async () => {
  assert.equal((await client.parseIDToken(set.id_token, { serverJWKS: keys })).sub, alice.userId)
  assert.equal((await client.parseAccessToken(set.access_token, { serverJWKS: keys })).sub, alice.userId)
})

await step('a changed token is none', async () => {
  const [header, payload, signature] = set.access_token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody else' })).toString('base64url')
  await assert.rejects(client.parseAccessToken([header, forged, signature].join('.')), /signature verification failed/)
  await assert.rejects(client.parseIDToken([header, forged, signature].join('.')), /signature verification failed/)
})
