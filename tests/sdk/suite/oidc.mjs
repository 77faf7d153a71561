// Tokens after the sign-in: renewed, looked into, revoked, and asked whose they are. What the standards say holds here: answers
// have no envelope, and an error is an HTTP status, which the SDK throws.
import assert from 'node:assert/strict'
import { application, ask, data, menshen, person, refused, shaped, signedIn, step, tokens } from './menshen.mjs'

const alice = await person('alice', {
  name: 'Alice',
  nickname: 'Ally',
  photo: 'https://example.com/a.png',
  email: 'alice@example.com',
})
const post = application()
const basic = application({
  tokenEndPointAuthMethod: 'client_secret_basic',
  introspectionEndPointAuthMethod: 'client_secret_basic',
  revocationEndPointAuthMethod: 'client_secret_basic',
})
const none = application({
  tokenEndPointAuthMethod: 'none',
  introspectionEndPointAuthMethod: 'none',
  revocationEndPointAuthMethod: 'none',
})
const guessed = application({ appSecret: 'guessed' })
const renewed = {
  access_token: 'string',
  id_token: 'string',
  refresh_token: 'string',
  token_type: 'string',
  expires_in: 'number',
}

// What the SDK throws of an error of the standards.
async function fails(call, status, error) {
  await assert.rejects(call, (thrown) => {
    assert.equal(thrown.response?.status, status, thrown.message)
    assert.equal(thrown.response.data.error, error)
    assert.equal(typeof thrown.response.data.error_description, 'string')
    return true
  })
}

const alive = async (token) => (await signedIn(token).listEnrolledFactors()).statusCode === 200

for (const [method, client] of [
  ['client_secret_post', post],
  ['client_secret_basic', basic],
]) {
  await step(`renew tokens, ${method}`, async () => {
    const old = await tokens('alice')
    const set = shaped(await client.getNewAccessTokenByRefreshToken(old.refresh_token), renewed)
    assert.match(set.token_type, /^bearer$/i)
    assert.notEqual(set.refresh_token, old.refresh_token)
    const claims = await client.parseAccessToken(set.access_token)
    assert.deepEqual({ sub: claims.sub, aud: claims.aud }, { sub: alice.userId, aud: menshen.appId })
    assert.equal(claims.exp - claims.iat, set.expires_in)
    assert.equal((await client.parseIDToken(set.id_token)).sub, alice.userId)
    assert.ok(await alive(set.access_token))
    await client.getNewAccessTokenByRefreshToken(set.refresh_token)
  })

  await step(`look into tokens, ${method}`, async () => {
    const set = await tokens('alice')
    const access = shaped(await client.introspectToken(set.access_token), {
      active: 'boolean',
      sub: 'string',
      exp: 'number',
      iat: 'number',
      scope: 'string',
    })
    assert.deepEqual(
      { active: access.active, sub: access.sub, aud: access.aud },
      { active: true, sub: alice.userId, aud: menshen.appId },
    )
    assert.equal(access.client_id, menshen.appId)
    assert.equal((await client.introspectToken(set.refresh_token)).active, true)
    assert.deepEqual(await client.introspectToken('not a token'), { active: false })
  })

  await step(`revoke a refresh token, ${method}`, async () => {
    const set = await tokens('alice')
    assert.equal(await client.revokeToken(set.refresh_token), true)
    assert.deepEqual(await client.introspectToken(set.refresh_token), { active: false })
    await fails(client.getNewAccessTokenByRefreshToken(set.refresh_token), 400, 'invalid_grant')
  })

  await step(`revoke an access token, ${method}`, async () => {
    const set = await tokens('alice')
    assert.equal(await client.revokeToken(set.access_token), true)
    assert.deepEqual(await client.introspectToken(set.access_token), { active: false })
    assert.equal(await alive(set.access_token), false)
  })
}

await step('a token that was never one is revoked as well', async () => {
  assert.equal(await post.revokeToken('not a token'), true)
})

await step('the token of a session is no hindrance to renew it', async () => {
  const set = await tokens('alice')
  const client = application()
  client.setAccessToken('expired by now') // goes along, in the header where Basic would be
  shaped(await client.getNewAccessTokenByRefreshToken(set.refresh_token), renewed)
})

await step('a refresh token is good once', async () => {
  const set = await tokens('alice')
  await post.getNewAccessTokenByRefreshToken(set.refresh_token)
  await fails(post.getNewAccessTokenByRefreshToken(set.refresh_token), 400, 'invalid_grant')
  await fails(post.getNewAccessTokenByRefreshToken('not a token'), 400, 'invalid_grant')
})

await step('an application that does not prove itself gets nothing', async () => {
  const set = await tokens('alice')
  for (const client of [none, guessed]) {
    await fails(client.getNewAccessTokenByRefreshToken(set.refresh_token), 401, 'invalid_client')
    await fails(client.introspectToken(set.access_token), 401, 'invalid_client')
    await fails(client.revokeToken(set.access_token), 401, 'invalid_client')
  }
  assert.equal((await post.introspectToken(set.access_token)).active, true)
})

await step('grants that there are not are refused as the standard says', async () => {
  await fails(post.getAccessTokenByCode('code'), 400, 'unsupported_grant_type')
  const key = { accessKey: menshen.accessKeyId, accessSecret: menshen.accessKeySecret }
  await assert.rejects(post.getAccessTokenByClientCredentials('user:read', key), (thrown) => {
    assert.ok(['unsupported_grant_type', 'invalid_client'].includes(thrown.response?.data?.error), thrown.message)
    return true
  })
})

await step('a request that lacks something is refused as the standard says', async () => {
  await fails(post.getNewAccessTokenByRefreshToken(undefined), 400, 'invalid_request')
  await fails(post.introspectToken(undefined), 400, 'invalid_request')
  await fails(post.revokeToken(undefined), 400, 'invalid_request')
})

for (const [place, options] of Object.entries({
  'where the SDK puts it by itself': undefined,
  'in the query of a GET': { method: 'GET', tokenPlace: 'query' },
  'in the header of a GET': { method: 'GET', tokenPlace: 'header' },
  'in the query of a POST': { method: 'POST', tokenPlace: 'query' },
  'in the header of a POST': { method: 'POST', tokenPlace: 'header' },
  'in the body of a POST': { method: 'POST', tokenPlace: 'body' },
})) {
  await step(`whose token it is, ${place}`, async () => {
    const { access_token: token } = await tokens('alice')
    for (const client of [post, signedIn(token)]) {
      const claims = shaped(await client.getUserInfoByAccessToken(token, options), { sub: 'string', updated_at: 'string?' })
      assert.equal(claims.sub, alice.userId)
      assert.equal(claims.name, 'Alice')
      assert.equal(claims.nickname, 'Ally')
      assert.equal(claims.picture, 'https://example.com/a.png')
    }
    await assert.rejects(post.getUserInfoByAccessToken('not a token', options), (thrown) => thrown.response?.status === 401)
  })
}

await step('the token that is asked about counts before that of the session', async () => {
  const bob = await person('bob')
  const client = signedIn((await tokens('bob')).access_token)
  const { access_token: token } = await tokens('alice')
  assert.equal((await client.getUserInfoByAccessToken(token)).sub, alice.userId)
  assert.equal((await client.getUserInfoByAccessToken(token, { method: 'POST', tokenPlace: 'body' })).sub, alice.userId)
  // In the header there is room for one, and the SDK puts that of the session there.
  assert.equal((await client.getUserInfoByAccessToken(token, { method: 'GET', tokenPlace: 'header' })).sub, bob.userId)
})

await step('the claims are those of the scope', async () => {
  const { access_token: token } = data(
    await post.signInByUsernamePassword({
      username: 'alice',
      password: 'correct horse battery staple',
      options: { scope: 'openid email' },
    }),
  )
  const claims = await post.getUserInfoByAccessToken(token)
  assert.equal(claims.email, 'alice@example.com')
  assert.equal(claims.nickname, undefined)
})

await step("a refresh token is nobody's name", async () => {
  const { refresh_token: token } = await tokens('alice')
  await assert.rejects(post.getUserInfoByAccessToken(token), (thrown) => thrown.response?.status === 401)
  refused(await signedIn(token).listEnrolledFactors(), 401, 2020)
})

await step('a public application goes without its secret, but for looking into tokens', async () => {
  ask('make public', menshen.appId)
  const set = shaped(await none.getNewAccessTokenByRefreshToken((await tokens('alice')).refresh_token), renewed)
  await fails(none.introspectToken(set.access_token), 401, 'invalid_client')
  await fails(guessed.getNewAccessTokenByRefreshToken(set.refresh_token), 401, 'invalid_client')
  assert.equal(await none.revokeToken(set.refresh_token), true)
  assert.equal(await alive(set.access_token), false)
})
