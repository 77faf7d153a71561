// The fastpass as the app on the phone and the page follow it: for which applications it is good, and what became of it.
import assert from 'node:assert/strict'
import { application, ask, data, menshen, person, refused, shaped, signedIn, step, tokens } from './menshen.mjs'

await person('alice', { name: 'Alice' })
const web = signedIn((await tokens('alice')).access_token)
const phone = application()
const status = { status: 'string', ticket: 'string?', briefUserInfo: 'object?', tokenSet: 'object?' }

let pass
const poll = async () => shaped(data(await web.getAppLoginQrCodeStatus({ qrcodeId: pass.qrcodeId })), status)

await step('nobody has scanned it', async () => {
  pass = data(await web.geneFastpassQrcodeInfo({}))
  assert.equal((await poll()).status, 'PENDING')
})

await step('the phone asks for which applications it is good, which is the scan', async () => {
  const { relationApps: apps } = data(await phone.getFastpassParams({ qrcodeId: pass.qrcodeId, appId: pass.appId }))
  assert.ok(apps.length > 0)
  for (const app of apps) shaped(app, { id: 'string', name: 'string', logo: 'string?' })
  assert.ok(apps.some((app) => app.id === menshen.appId))
  assert.equal((await poll()).status, 'SCANNED')
})

await step('the phone signs in, and the page learns it, but gets nothing', async () => {
  data(await phone.qrCodeAppLogin({ action: 'APP_LOGIN', qrcodeId: pass.qrcodeId }))
  const seen = await poll()
  assert.equal(seen.status, 'AUTHORIZED')
  assert.equal(seen.ticket, undefined)
  assert.equal(seen.tokenSet, undefined)
})

await step('a phone need not ask first', async () => {
  pass = data(await web.geneFastpassQrcodeInfo({}))
  data(await phone.qrCodeAppLogin({ action: 'APP_LOGIN', qrcodeId: pass.qrcodeId }))
  assert.equal((await poll()).status, 'AUTHORIZED')
})

await step('an old one is EXPIRED, which is no error', async () => {
  pass = data(await web.geneFastpassQrcodeInfo({}))
  ask('wait', '61s')
  assert.equal((await poll()).status, 'EXPIRED')
  assert.notEqual((await phone.getFastpassParams({ qrcodeId: pass.qrcodeId, appId: pass.appId })).statusCode, 200)
})

await step('one that there never was is an error', async () => {
  refused(await web.getAppLoginQrCodeStatus({ qrcodeId: 'never' }), 404, 2241)
  assert.notEqual((await phone.getFastpassParams({ qrcodeId: 'never', appId: pass.appId })).statusCode, 200)
})
