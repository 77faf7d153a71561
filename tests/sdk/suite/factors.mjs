// Authenticators, as their user binds and removes them.
import assert from 'node:assert/strict'
import { application, ask, data, has, management, password, person, refused, shaped, signedIn, step, tokens } from './menshen.mjs'

const alice = await person('alice')
const web = signedIn((await tokens('alice')).access_token)
const profile = { name: 'string', state: 'string', createdAt: 'string' }

let secret, enrollmentToken, recoveryCode, factorId

await step('nothing is bound, and an authenticator can be', async () => {
  assert.deepEqual(data(await web.listEnrolledFactors()), [])
  assert.deepEqual(data(await web.listFactorsToEnroll()), [{ factorType: 'OTP' }])
})

await step('ask for an authenticator: the picture says what the URI says', async () => {
  const waits = shaped(data(await web.sendEnrollFactorRequest({ factorType: 'OTP', profile: {} })), {
    enrollmentToken: 'string',
    otpData: 'object',
  })
  shaped(waits.otpData, { qrCodeUri: 'string', qrCodeDataUrl: 'string', recoveryCode: 'string' })
  assert.equal(ask('scan', waits.otpData.qrCodeDataUrl), waits.otpData.qrCodeUri)
  secret = new URL(waits.otpData.qrCodeUri).searchParams.get('secret')
  recoveryCode = waits.otpData.recoveryCode
  enrollmentToken = waits.enrollmentToken
})

const enroll = (passCode) => web.enrollFactor({ factorType: 'OTP', enrollmentToken, enrollmentData: { passCode } })

await step('a wrong code binds nothing', async () => {
  refused(await enroll(ask('guess', secret)), 403, 6001)
  assert.deepEqual(data(await web.listEnrolledFactors()), [])
})

await step('its code binds it', async () => {
  data(await enroll(ask('code', secret)))
})

await step('it is listed, and found by its id', async () => {
  const [factor, ...more] = data(await web.listEnrolledFactors())
  assert.deepEqual(more, [])
  shaped(factor, { factorId: 'string', factorType: 'string', profile: 'object' })
  shaped(factor.profile, profile)
  assert.equal(factor.factorType, 'OTP')
  factorId = factor.factorId
  assert.deepEqual(data(await web.getFactor({ factorId })), factor)
  refused(await web.getFactor({ factorId: 'none' }), 404, undefined)
})

await step('an administrator sees it', async () => {
  has(data(await management().getOtpSecretByUser({ userId: alice.userId })), { secret })
  assert.equal(data(await management().getUserMfaInfo({ userId: alice.userId })).totpStatus, 'enabled')
})

await step('a sign-in now waits for a code', async () => {
  refused(await application().signInByUsernamePassword({ username: 'alice', password }), 403, 1635)
})

await step('a right code is verified, once', async () => {
  const totp = ask('code', secret)
  has(data(await web.mfaOtpVerify({ totp })), { verified: true })
  refused(await web.mfaOtpVerify({ totp }), 403, 6001)
})

await step('a wrong one is a refusal', async () => {
  refused(await web.mfaOtpVerify({ totp: ask('guess', secret) }), 403, 6001)
})

await step('so is what is no code at all', async () => {
  refused(await web.mfaOtpVerify({ totp: '12' }), 403, 6001)
})

await step('a second one can be bound', async () => {
  const waits = data(await web.sendEnrollFactorRequest({ factorType: 'OTP', profile: {} }))
  enrollmentToken = waits.enrollmentToken
  data(await enroll(ask('code', new URL(waits.otpData.qrCodeUri).searchParams.get('secret'))))
  assert.equal(data(await web.listEnrolledFactors()).length, 2)
})

await step('the recovery code does for a code', async () => {
  has(data(await web.mfaOtpVerify({ totp: recoveryCode })), { verified: true })
})

await step('without a fresh code none is removed', async () => {
  ask('wait', '6m')
  refused(await web.resetFactor({ factorId }), 403, 1635)
})

await step('with one they are', async () => {
  data(await web.mfaOtpVerify({ totp: ask('code', secret) }))
  for (const { factorId } of data(await web.listEnrolledFactors())) data(await web.resetFactor({ factorId }))
  assert.deepEqual(data(await web.listEnrolledFactors()), [])
})

await step('factors that there are not are refused, with HTTP 200', async () => {
  refused(await web.sendEnrollFactorRequest({ factorType: 'SMS', profile: { phoneNumber: '13800138000' } }), 422, undefined)
  refused(await web.sendEnrollFactorRequest({ factorType: 'EMAIL', profile: { email: 'alice@example.com' } }), 422, undefined)
  refused(await web.sendEnrollFactorRequest({ factorType: 'FACE', profile: {} }), 422, undefined)
})

await step('who is not signed in has no factors', async () => {
  refused(await application().listEnrolledFactors(), 401, 2020)
  refused(await application().sendEnrollFactorRequest({ factorType: 'OTP', profile: {} }), 401, 2020)
})
