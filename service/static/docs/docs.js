// Shows /openapi.json by Swagger UI. A file of its own: the Content-Security-Policy allows no script
// within a page.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: false, // its links are within buttons, where screen readers do not find them
  displayOperationId: true,
  defaultModelsExpandDepth: -1, // each operation shows the types that it uses
  displayRequestDuration: true,
  validatorUrl: null, // it would send the address of this service to another one
});
