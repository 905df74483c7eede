// Starts Swagger UI; a file of its own, so that the page needs no inline script.
SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
