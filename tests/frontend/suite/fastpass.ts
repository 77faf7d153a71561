// Signing a phone in from the web: what the page gets is what it puts into a QR code.
import assert from 'node:assert/strict'
import { menshen, step } from '../../harness/script/script.mjs'
import { dataOf, type Schemas } from '../menshen.js'
import { anybody as phone, newcomer, whoami } from './person.js'

const web = await newcomer('alice')

let pass: Schemas['GeneFastpassQRCodeInfoDto']
const redeem = async () =>
  dataOf(await phone.POST('/api/v3/qrcode-app-login', { body: { action: 'APP_LOGIN', qrcodeId: pass.qrcodeId } }))
const status = async () =>
  dataOf(await phone.GET('/api/v3/get-app-login-qrcode-status', { params: { query: { qrcodeId: pass.qrcodeId } } })).status

await step('the page gets what it shows', async () => {
  pass = dataOf(await web.POST('/api/v3/gene-fastpass-qrcode-info'))
  assert.deepEqual([pass.scene, pass.user.displayName, pass.apiHost], ['FASTPASS', 'alice', menshen.url])
  assert.equal(await status(), 'PENDING')
})

await step('the phone asks where it can sign in', async () => {
  const query = { qrcodeId: pass.qrcodeId, appId: pass.appId }
  const { relationApps } = dataOf(await phone.GET('/api/v3/get-fastpass-client-apps', { params: { query } }))
  assert.ok(relationApps.some(({ id }) => id === pass.appId))
  assert.equal(await status(), 'SCANNED')
})

await step('the phone signs in', async () => {
  const { access_token } = await redeem()
  assert.equal((await whoami(access_token)).username, 'alice')
  assert.equal(await status(), 'AUTHORIZED')
})

await step('a code is good once', async () => {
  await assert.rejects(redeem, { name: 'Refusal', code: 2241 })
})

await step('the options are typed, too', async () => {
  const options = { scope: 'openid profile', customData: { school: 'pku' } }
  pass = dataOf(await web.POST('/api/v3/gene-fastpass-qrcode-info', { body: { options } }))
  assert.equal((await redeem()).refresh_token, undefined) // without offline_access
})
