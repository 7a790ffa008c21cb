// Starts the scripts of a page. Pages also work without them.
import { startConsole } from "./console.js";
import { startCopy } from "./copy.js";
import { startFilter } from "./filter.js";
import { startForms } from "./forms.js";
import { startStream } from "./stream.js";
import { startMaps } from "./settings_form.js";
import { startTheme } from "./theme.js";
import { startTimes } from "./times.js";

for (const el of document.querySelectorAll("[data-script]")) el.hidden = false;
startTimes();
startForms();
startCopy();
startTheme();
startFilter();
startMaps();
startStream(startConsole());
