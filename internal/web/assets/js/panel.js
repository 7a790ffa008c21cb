// Starts the scripts of a page. Pages also work without them.
import { startConsole } from "./console.js";
import { startCopy } from "./copy.js";
import { startFilter } from "./filter.js";
import { startForms } from "./forms.js";
import { startPlace } from "./place.js";
import { startShortcuts } from "./shortcuts.js";
import { startStream } from "./stream.js";
import { startMaps, startModes } from "./settings_form.js";
import { startTheme } from "./theme.js";
import { startTimes } from "./times.js";
import { startUnsaved } from "./unsaved.js";

for (const el of document.querySelectorAll("[data-script]")) el.hidden = false;
startTimes();
startForms();
startCopy();
startTheme();
startFilter();
startMaps();
startShortcuts();
startModes();
startStream(startConsole());
startUnsaved();
startPlace();
