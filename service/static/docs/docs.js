// Shows /openapi.json by Swagger UI. A file of its own: the Content-Security-Policy allows no script
// within a page.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  validatorUrl: null, // it would send the address of this service to another one
});
