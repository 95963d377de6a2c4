import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FrontPage } from '../api/app-options.ts'
import { renderClosedPage, renderEnteredPage, renderPage } from '../ui/page.ts'
import { pageAssets } from './package.ts'

/** The page at `/`, with what it needs from disk. */
export function createFrontPage(): FrontPage {
  const assets = readdirSync(pageAssets).map((name) => [name, readFileSync(join(pageAssets, name), 'utf8')] as const)
  return {
    render: renderPage,
    renderClosed: renderClosedPage,
    renderEntered: renderEnteredPage,
    assets: Object.fromEntries(assets),
  }
}
