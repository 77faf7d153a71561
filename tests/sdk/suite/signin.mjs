// Signing in with a password: all wrappers of the SDK, all ways in which an application proves itself.
import assert from 'node:assert/strict'
import { application, ask, data, password, person, refused, shaped, signedIn, step, tokenSet } from './menshen.mjs'

const alice = await person('alice', { email: 'alice@example.com', phone: '13800138000', phoneCountryCode: '+86' })
await person('bob', { otp: { secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' } })

async function signsIn(client, answer) {
  const set = shaped(data(answer), tokenSet)
  for (const name of ['access_token', 'id_token', 'refresh_token', 'scope']) assert.equal(typeof set[name], 'string', name)
  assert.equal((await client.parseIDToken(set.id_token)).sub, alice.userId)
  assert.deepEqual(data(await signedIn(set.access_token).listEnrolledFactors()), [])
}

for (const tokenEndPointAuthMethod of ['client_secret_post', 'client_secret_basic', 'none']) {
  const client = application({ tokenEndPointAuthMethod })
  await step(`account and password, ${tokenEndPointAuthMethod}`, async () => {
    await signsIn(client, await client.signInByAccountPassword({ account: 'alice', password }))
  })
  await step(`user name and password, ${tokenEndPointAuthMethod}`, async () => {
    await signsIn(client, await client.signInByUsernamePassword({ username: 'alice', password }))
  })
  await step(`e-mail address and password, ${tokenEndPointAuthMethod}`, async () => {
    await signsIn(client, await client.signInByEmailPassword({ email: 'alice@example.com', password }))
  })
  await step(`phone number and password, ${tokenEndPointAuthMethod}`, async () => {
    await signsIn(client, await client.signInByPhonePassword({ phone: '13800138000', password }))
  })
}

const client = application()

await step('an account may be an e-mail address or a phone number', async () => {
  await signsIn(client, await client.signInByAccountPassword({ account: 'alice@example.com', password }))
  await signsIn(client, await client.signInByAccountPassword({ account: '13800138000', password }))
})

await step('the scope that is asked for is the scope that is given', async () => {
  const set = data(
    await client.signInByAccountPassword({ account: 'alice', password, options: { scope: 'openid profile email' } }),
  )
  assert.equal(set.scope, 'openid profile email')
  assert.equal(set.refresh_token, undefined)
  assert.equal((await client.parseIDToken(set.id_token)).email, 'alice@example.com')
})

await step('a wrong password is a refusal that the SDK returns', async () => {
  refused(await client.signInByAccountPassword({ account: 'alice', password: 'wrong' }), 403, 2333)
})

await step('so is a user who does not exist', async () => {
  refused(await client.signInByAccountPassword({ account: 'nobody', password }), 403, 2333)
})

await step('a wrong secret of the application signs nobody in', async () => {
  refused(await application({ appSecret: 'guessed' }).signInByAccountPassword({ account: 'alice', password }), 401, undefined)
  const basic = application({ appSecret: 'guessed', tokenEndPointAuthMethod: 'client_secret_basic' })
  refused(await basic.signInByAccountPassword({ account: 'alice', password }), 401, undefined)
})

await step('who has an authenticator is told that a code comes next', async () => {
  const answer = refused(await client.signInByUsernamePassword({ username: 'bob', password }), 403, 1635)
  shaped(answer.mfaTriggerData, { mfaToken: 'string', totpMfaEnabled: 'boolean', applicationMfa: 'object' })
  for (const policy of answer.mfaTriggerData.applicationMfa)
    shaped(policy, { mfaPolicy: 'string', status: 'number', sort: 'number' })
})

await step('with the wrong password nobody is told of an authenticator', async () => {
  const answer = refused(await client.signInByUsernamePassword({ username: 'bob', password: 'wrong' }), 403, 2333)
  assert.equal(answer.mfaTriggerData, undefined)
})

await step('connections that there are not are refused, with HTTP 200', async () => {
  refused(await client.signInByEmailPassCode({ email: 'alice@example.com', passCode: '123456' }), 422, undefined)
  refused(await client.signInByPhonePassCode({ phone: '13800138000', passCode: '123456' }), 422, undefined)
  refused(await client.signInByLDAP({ sAMAccountName: 'alice', password }), 422, undefined)
  refused(await client.signInByAD({ sAMAccountName: 'alice', password }), 422, undefined)
})

await step('an encrypted password is refused, with HTTP 200', async () => {
  for (const passwordEncryptType of ['sm2', 'rsa']) {
    const answer = await client.signInByUsernamePassword({
      username: 'alice',
      password: 'c2VjcmV0',
      options: { passwordEncryptType },
    })
    refused(answer, 422, undefined)
  }
})

await step('a session ends when its time is up', async () => {
  const { access_token: token } = data(await client.signInByUsernamePassword({ username: 'alice', password }))
  ask('wait', '16m')
  refused(await signedIn(token).listEnrolledFactors(), 401, 2020)
})
