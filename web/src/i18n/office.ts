// SPDX-License-Identifier: Apache-2.0
// Brings the office's texts in, with the first office screen that is opened.
import {extend} from './index';
import {officeEn} from './office.en';
import {officeEs} from './office.es';

extend({es: officeEs, en: officeEn});
