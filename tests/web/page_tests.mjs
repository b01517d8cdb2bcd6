// SPDX-License-Identifier: MIT
// All tests of the page on the mock server, in one browser.
import './chat_test.mjs';
import './trouble_test.mjs';
import './access_test.mjs';
import './xss_test.mjs';
import './plain_test.mjs';
import { runPageTests } from './page_harness.mjs';

runPageTests();
