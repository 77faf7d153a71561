// Signing a phone in from the web. What the page gets is what it puts into a QR code.
import assert from 'node:assert/strict'
import { AuthenticationClient } from 'authing-node-sdk'
import {
  application,
  ask,
  data,
  management,
  menshen,
  person,
  refused,
  shaped,
  signedIn,
  step,
  tokens,
  tokenSet,
} from './menshen.mjs'

const alice = await person('alice', { nickname: 'Ally' })
const web = signedIn((await tokens('alice')).access_token)
const phone = application()

let pass

await step('the page gets what it shows, without a body', async () => {
  pass = shaped(data(await web.geneFastpassQrcodeInfo()), {
    scene: 'string',
    qrcodeId: 'string',
    apiHost: 'string',
    appId: 'string',
    user: 'object',
    userpool: 'object',
  })
  shaped(pass.user, { id: 'string', displayName: 'string', photo: 'string' })
  shaped(pass.userpool, { id: 'string', displayName: 'string', photo: 'string' })
  assert.equal(pass.appId, menshen.appId)
  assert.equal(pass.user.id, alice.userId)
  assert.equal(pass.userpool.id, menshen.userpoolId)
})

await step('the phone signs in where the code says', async () => {
  const there = new AuthenticationClient({ appId: pass.appId, appSecret: menshen.appSecret, appHost: pass.apiHost })
  const set = shaped(data(await there.qrCodeAppLogin({ action: 'APP_LOGIN', qrcodeId: pass.qrcodeId })), tokenSet)
  assert.equal((await there.parseAccessToken(set.access_token)).sub, alice.userId)
  assert.deepEqual(data(await signedIn(set.access_token).listEnrolledFactors()), [])
})

await step('a code is good once', async () => {
  refused(await phone.qrCodeAppLogin({ action: 'APP_LOGIN', qrcodeId: pass.qrcodeId }), 403, 2241)
})

await step("the options are the phone's", async () => {
  const options = { scope: 'openid profile', context: { source: 'utm' }, customData: { school: 'pku', age: '20' } }
  pass = data(await web.geneFastpassQrcodeInfo({ options }))
  const set = shaped(data(await phone.qrCodeAppLogin({ action: 'APP_LOGIN', qrcodeId: pass.qrcodeId })), tokenSet)
  assert.equal(set.refresh_token, undefined) // no offline_access
  assert.equal((await phone.parseIDToken(set.id_token)).nickname, 'Ally')
  const user = data(await management().getUser({ userId: alice.userId, withCustomData: true }))
  assert.deepEqual(user.customData, { school: 'pku', age: '20' })
})

await step('an old code is refused', async () => {
  pass = data(await web.geneFastpassQrcodeInfo({}))
  ask('wait', '61s')
  refused(await phone.qrCodeAppLogin({ action: 'APP_LOGIN', qrcodeId: pass.qrcodeId }), 403, 2241)
})

await step('who is not signed in gets none', async () => {
  refused(await phone.geneFastpassQrcodeInfo({}), 401, 2020)
})
