import assert from 'node:assert/strict'
import { inCompany as world, signIn } from './demo.mjs'
import { audit, settled, shot } from './harness.mjs'

export { world }

/** workspaces: home, a service, a workspace, and what each may do there. */
export const workspaces = async ({ d, as }) => {
  const page = await as(d.admin)
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  await page.getByRole('main').getByRole('link', { name: 'Modeler', exact: true }).waitFor()
  await audit(page, 'home')

  await page.getByRole('main').getByRole('link', { name: 'Modeler', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Modeler' }).waitFor()
  await page.getByText('Motor claims').first().waitFor()
  await audit(page, 'workspaces')
  await page.getByRole('tab', { name: 'Users' }).click()
  await page.getByText('Lena Vogt').first().waitFor()
  await audit(page, 'service-users')
  await page.getByRole('button', { name: 'Include users' }).click()
  await page.getByRole('dialog').waitFor()
  await audit(page, 'include')
  await page.keyboard.press('Escape') // the list of names, which is the top layer
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByRole('tab', { name: 'Settings' }).click()
  await page.getByLabel('Editors may share').waitFor()
  await audit(page, 'service-settings')

  await page.getByRole('tab', { name: 'Models' }).click()
  await page.getByText('Motor claims').first().waitFor()
  await page.getByRole('button', { name: 'Create model' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('<img src=x onerror=alert(1)>')
  await page.getByRole('dialog').getByRole('button', { name: 'Create model' }).click()
  await page.getByRole('row', { name: /onerror/ }).waitFor()

  await settled(page)
  await page.getByRole('row', { name: /Motor claims/ }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Motor claims' }).waitFor()
  await audit(page, 'workspace')
  await page.getByRole('tab', { name: 'Diagrams' }).click()
  await page.getByText('Intake').first().waitFor()
  await audit(page, 'diagrams')

  // What somebody may do on each diagram, what each may do on one, and why.
  await page.getByRole('button', { name: 'Permissions' }).click()
  const rights = page.getByRole('dialog', { name: 'Permissions' })
  await rights.getByRole('textbox', { name: 'Person' }).fill('lena')
  await page.getByRole('option', { name: /Lena Vogt/ }).waitFor()
  await page.keyboard.press('Enter')
  await rights.getByRole('row', { name: /Intake/ }).waitFor()
  await audit(page, 'matrix')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Actions for Intake' }).click()
  await page.getByRole('menuitem', { name: 'Permissions' }).click()
  await page.getByRole('dialog', { name: 'Permissions: Intake' }).getByRole('link', { name: 'Lena Vogt, save: no' }).click()
  await page.getByRole('heading', { level: 1, name: 'Check' }).waitFor()
  await page.getByText('Not granted').first().waitFor()
  await page.goBack()
  await page.getByText('Intake').first().waitFor()
  await page.getByRole('tab', { name: 'Activity' }).click()
  await page.getByText('made Lena Vogt editor', { exact: false }).first().waitFor()
  await audit(page, 'activity')
}

/** sharing: the dialog by keyboard alone, with what it replaces. */
export const sharing = async ({ d, as }) => {
  const page = await as(d.owner)
  const mine = page.getByRole('region', { name: 'My workspaces' }).getByRole('link')
  const second = await mine.nth(1).textContent()
  await mine.nth(1).click()
  await page.getByRole('heading', { level: 1, name: second }).waitFor()
  await page.getByRole('navigation').getByRole('link', { name: 'Home' }).click()
  await mine.first().getByText(second).waitFor() // it was opened last
  await page.getByRole('main').getByRole('link', { name: 'Motor claims' }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Motor claims' }).waitFor()
  await page.getByRole('button', { name: 'Share', exact: true }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Share Motor claims' })
  await dialog.getByText('Who has a role').waitFor()
  await audit(page, 'share')
  await dialog.getByRole('textbox', { name: 'People or groups' }).focus()
  await page.keyboard.type('diego')
  await page.getByRole('option', { name: /Diego/ }).first().waitFor()
  await page.keyboard.press('Enter') // the first who fits
  await dialog.getByText('What will change').waitFor() // also of whoever is picked alone
  await page.keyboard.press('Tab') // the role
  await page.keyboard.press('Tab') // add
  await page.keyboard.press('Enter')
  await dialog.getByText('What will change').waitFor()
  await shot(page, 'share-pending')
  await dialog.getByRole('button', { name: 'Save changes' }).focus()
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('tab', { name: 'Access' }).click()
  await page.getByRole('row', { name: /Diego/ }).waitFor()
}

/** mission: an editor works in the service's portal until he is demoted, and is refused at once. */
export const mission = async ({ d, browser, as }) => {
  const editor = await browser.window()
  await editor.goto(d.modeler)
  await editor.waitForURL(/\/console\/sign-in/)
  await signIn(editor, d.editor)
  await editor.getByRole('heading', { level: 1, name: 'Models' }).waitFor()
  assert.ok(editor.url().startsWith(d.modeler), `after the sign-in the browser is at ${editor.url()}`)
  await audit(editor, 'modeler-models')
  await editor.getByRole('link', { name: 'Motor claims' }).click()
  await editor.getByRole('link', { name: 'Assessment' }).click()
  await editor.getByRole('button', { name: 'Check out' }).click()
  await editor.getByLabel('Content').fill('by the editor')
  await editor.getByRole('button', { name: 'Save' }).click()
  await editor.getByRole('status').getByText('Saved').waitFor()
  await audit(editor, 'modeler-diagram')

  const owner = await as(d.owner)
  await owner.getByRole('main').getByRole('link', { name: 'Motor claims' }).first().click()
  await owner.getByRole('button', { name: 'Share', exact: true }).click()
  const dialog = owner.getByRole('dialog', { name: 'Share Motor claims' })
  await dialog.getByLabel('Role of Lena Vogt').click()
  await owner.getByRole('option', { name: 'Contributor' }).click()
  await dialog.getByText('Lena Vogt: contributor instead of editor').waitFor()
  await dialog.getByRole('button', { name: 'Save changes' }).click()
  await dialog.waitFor({ state: 'detached' })

  await editor.getByLabel('Content').fill('too late')
  browser.expect(/403 .*\/diagrams\//)
  await editor.getByRole('button', { name: 'Save' }).click()
  await editor.getByRole('alert').getByText('you lack the permission', { exact: false }).waitFor()
  await editor.getByRole('region', { name: 'Content', exact: true }).getByText('by the editor').waitFor()
  await editor.getByRole('region', { name: 'What you wrote, not saved' }).getByText('too late').waitFor() // it is not lost
  await audit(editor, 'modeler-refused')
  assert.equal(await editor.getByRole('button', { name: 'Save' }).count(), 0)
  await editor.getByLabel('Comment').fill('<img src=x onerror=alert(1)>') // a contributor comments
  await editor.getByRole('button', { name: 'Add comment' }).click()
  await editor.getByRole('status').getByText('Commented').waitFor()
  await editor.getByRole('listitem').getByText('<img src=x onerror=alert(1)>').waitFor()
  const at = editor.url().replace(/\?.*/, '')
  await editor.goto(at + '?done=%3Cb%3EAnything') // only what was done is said to be done
  assert.equal(await editor.getByText('Anything').count(), 0)
}
