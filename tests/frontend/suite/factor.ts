// An authenticator, and a sign-in that waits for its code, in the status dialect.
import assert from 'node:assert/strict'
import { ask, step } from '../../harness/script/script.mjs'
import { dataOf, Refusal } from '../menshen.js'
import { anybody, newcomer, password, whoami } from './person.js'

const alice = await newcomer('alice')
const credentials = { connection: 'PASSWORD', passwordPayload: { username: 'alice', password } } as const

let secret: string, mfaToken: string

await step('the picture says what the URI says', async () => {
  const body = { factorType: 'OTP', profile: { name: 'My phone' } } as const
  const { enrollmentToken, otpData } = dataOf(await alice.POST('/api/v3/send-enroll-factor-request', { body }))
  assert.ok(otpData) // which an OTP has
  assert.equal(ask('scan', otpData.qrCodeDataUrl), otpData.qrCodeUri)
  secret = new URL(otpData.qrCodeUri).searchParams.get('secret') ?? ''
  const enrollmentData = { passCode: ask('code', secret) }
  dataOf(await alice.POST('/api/v3/enroll-factor', { body: { factorType: 'OTP', enrollmentToken, enrollmentData } }))
})

await step('it is listed', async () => {
  const [factor] = dataOf(await alice.GET('/api/v3/list-enrolled-factors'))
  assert.deepEqual([factor?.factorType, factor?.profile.name, factor?.profile.state], ['OTP', 'My phone', 'active'])
})

await step('a sign-in waits for a code', async () => {
  const refusal = await signIn().catch((err: unknown) => err)
  assert.ok(refusal instanceof Refusal)
  assert.equal(refusal.code, 1635)
  assert.ok(refusal.mfaToken)
  mfaToken = refusal.mfaToken
})

await step('a wrong one is refused, and the sign-in still waits', async () => {
  await assert.rejects(() => finish(ask('guess', secret)), { name: 'Refusal', code: 6001 })
})

await step('the right one signs in', async () => {
  const { access_token, token_type, expire_in } = await finish(ask('code', secret))
  assert.equal(token_type, 'bearer')
  assert.ok(expire_in > 0)
  assert.equal((await whoami(access_token)).username, 'alice')
})

await step('the code dialect waits for it as well', async () => {
  const body = { loginType: 'pwd', account: 'alice', password } as const
  const refusal = await anybody.POST('/api/v1/system/user/login', { body }).then(dataOf).catch((err: unknown) => err)
  assert.ok(refusal instanceof Refusal && refusal.mfaToken)
  assert.equal(refusal.code, 1000201)
  const login = { mfaToken: refusal.mfaToken, code: ask('code', secret) }
  const { info } = dataOf(await anybody.POST('/api/v1/system/user/login-mfa', { body: login }))
  assert.equal(info.userName, 'alice')
})

async function signIn() {
  return dataOf(await anybody.POST('/api/v3/signin', { body: credentials }))
}

async function finish(totp: string) {
  return dataOf(await anybody.POST('/api/v3/signin-with-mfa', { body: { mfaToken, totp } }))
}
