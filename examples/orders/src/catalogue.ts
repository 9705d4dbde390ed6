/** What the shop sells. Prices are in cents. */
export interface Product {
  readonly sku: string
  readonly name: string
  readonly price: number
}

/** The most wanted come first: the simulation orders them more often, so that many orders contend for their stock. */
export const products: readonly Product[] = [
  { sku: 'kettle', name: 'Kettle', price: 3490 },
  { sku: 'teapot', name: 'Teapot', price: 2950 },
  { sku: 'mug', name: 'Mug', price: 890 },
  { sku: 'tray', name: 'Tray', price: 1990 },
  { sku: 'strainer', name: 'Tea strainer', price: 650 },
  { sku: 'caddy', name: 'Tea caddy', price: 1250 },
  { sku: 'spoon', name: 'Measuring spoon', price: 490 },
  { sku: 'whisk', name: 'Bamboo whisk', price: 2150 },
]

const bySku = new Map(products.map((product) => [product.sku, product]))

/** Undefined where the shop does not sell it. */
export function productOf(sku: string): Product | undefined {
  return bySku.get(sku)
}
