// What this service is set up for. The program replaces this file when it differs.

/** The application that the console signs in to. */
export const application = 'menshen-console';

/** Whether the reference is served too. */
export const reference = true;
