import { dynamoDbHarness } from './support/harness.js'

/** For `pnpm conformance`: tables on disk, so that every case can run, those that restart the server too. */
export default () => dynamoDbHarness('on disk')
